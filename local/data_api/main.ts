/** Auth and data API of the local stack: @supabase/lite on the stack's PostgreSQL. */
import postgres from "postgres";
import { readProjectConfig } from "./config.ts";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { buildDataApi, type DataApi } from "./app.ts";

/** A migration says many times that the schema changed; one reading after the last is enough. */
const settleMs = 150;
/** Requests on the former reading are given this long to end. */
const drainMs = 10_000;

const env = partEnv();
const config = await readProjectConfig();
let current: DataApi = await buildDataApi(env, config);
let pending: ReturnType<typeof setTimeout> | undefined;

// PostgREST is told of schema changes on this channel, by hosted and by our platform SQL alike.
const listener = postgres(env.dbUrl, { max: 1, onnotice: () => {} });
await listener.listen("pgrst", () => {
  clearTimeout(pending);
  pending = setTimeout(reload, settleMs);
});

exitWithSupervisor(async () => {
  await Promise.all([listener.end({ timeout: 1 }), current.close()]);
});

Deno.serve({ hostname: "127.0.0.1", port: env.port, onListen: () => {} }, (request) => {
  const { pathname } = new URL(request.url);
  return pathname === "/_part/ready" ? new Response("ready") : current.fetch(request);
});

async function reload(): Promise<void> {
  try {
    const former = current;
    current = await buildDataApi(env, config);
    log("info", "read the schema anew");
    setTimeout(() => former.close(), drainMs);
  } catch (error) {
    log("error", "could not read the schema", { error: String(error) });
  }
}
