/** The realtime part of the local stack: Supabase Realtime's contract on one PostgreSQL. */

import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { outliveLostConnections } from "../postgres/transaction.ts";
import { planNamed } from "./rates.ts";
import { startRealtime } from "./server.ts";

const env = partEnv();
outliveLostConnections();
const server = startRealtime({
  databaseUrl: env.adminDbUrl,
  port: env.port,
  publishableKey: env.publishableKey,
  secretKey: env.secretKey,
  jwtSecret: env.jwtSecret,
  jwksUrl: `${env.apiUrl}/auth/v1/.well-known/jwks.json`,
  log,
  plan: planNamed(Deno.env.get("STREAMVIBE_REALTIME_PLAN")),
});
exitWithSupervisor(() => server.stop());
log("info", "realtime listens", { port: server.port });
