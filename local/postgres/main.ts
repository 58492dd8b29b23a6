/**
 * Keeps PostgreSQL running for a stack. PostgreSQL itself would outlive a killed supervisor; this
 * process notices, shuts it down and ends.
 */
import { join } from "node:path";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { startServer } from "./server.ts";

const env = partEnv();
const installation = Deno.env.get("POSTGRES_ROOT");
if (!installation) throw new Error("POSTGRES_ROOT is not set.");

const starting = startServer(installation, join(env.stackDir, "pgdata"), {
  port: Number(new URL(env.dbUrl).port),
  fast: Deno.env.get("POSTGRES_FAST") === "1",
  output: "inherit",
});
let stopping = false;
// Before the server is up: a stop may come at any moment, and the server would outlive us.
exitWithSupervisor(async () => {
  stopping = true;
  await (await starting).stop();
});

const server = await starting;
log("info", "taking connections", { pid: server.pid });
server.status.then(({ code, signal }) => {
  if (stopping) return;
  log("error", "the server ended", { code, signal });
  Deno.exit(1);
});

Deno.serve(
  { hostname: "127.0.0.1", port: env.port, onListen: () => {} },
  () => new Response("ready"),
);
