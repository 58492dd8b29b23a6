/** Auth and data API of the local stack: @supabase/lite on the stack's PostgreSQL. */
import postgres from "postgres";
import { readProjectConfig } from "./config.ts";
import { oneAtATime } from "../one_at_a_time.ts";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { outliveLostConnections } from "../postgres/transaction.ts";
import { buildDataApi, type DataApi } from "./app.ts";

/** A migration says many times that the schema changed; one reading after the last is enough. */
const settleMs = 150;
/** After a reading that failed. */
const againMs = 1_000;
/** Requests on the former reading are given this long to end. */
const drainMs = 10_000;

const env = partEnv();
outliveLostConnections();
const config = await readProjectConfig();
let current: DataApi | undefined;
let pending: ReturnType<typeof setTimeout> | undefined;
// A reading that takes long must not end after, and so undo, one that was begun later.
const reload = oneAtATime(readSchema);

// PostgREST is told of schema changes on this channel, by hosted and by our platform SQL alike.
const listener = postgres(env.dbUrl, { max: 1, onnotice: () => {} });
// The second callback runs at every (re)connect: what was said meanwhile nobody heard.
await listener.listen("pgrst", () => reloadIn(settleMs), () => current && reloadIn(settleMs));
await reload();
if (!current) throw new Error("The schema could not be read.");

exitWithSupervisor(async () => {
  await Promise.all([listener.end({ timeout: 1 }), current?.close()]);
});

Deno.serve({ hostname: "127.0.0.1", port: env.port, onListen: () => {} }, (request) => {
  const { pathname } = new URL(request.url);
  return pathname === "/_part/ready" ? new Response("ready") : current!.fetch(request);
});

function reloadIn(ms: number): void {
  clearTimeout(pending);
  pending = setTimeout(reload, ms);
}

async function readSchema(): Promise<void> {
  try {
    const former = current;
    current = await buildDataApi(env, config);
    log("info", "read the schema");
    setTimeout(() => former?.close(), drainMs);
  } catch (error) {
    log("error", "could not read the schema", { error: String(error) });
    reloadIn(againMs);
  }
}
