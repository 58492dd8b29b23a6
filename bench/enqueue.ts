/**
 * How long a creator waits: `POST sync-youtube` until its 202, and until the first progress arrives
 * over Realtime, with a worker awake and with none. On the running stack, else on one of its own.
 *
 *     deno task bench:enqueue
 */
import postgres from "postgres";
import { readStack, startStack } from "../local/stack/client.ts";
import { ended, Person } from "../supabase/tests/e2e/person.ts";
import { accountWith } from "../supabase/tests/e2e/simulator.ts";
import { describe } from "./statistics.ts";

const calls = 200;
const people = 20;
const awakeRounds = 30;
const asleepRounds = 5;

const own = Deno.env.get("STREAMVIBE_STACK")
  ? undefined
  : await startStack({ name: `bench-${Deno.pid}` });
const stack = own ?? await readStack();
const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });

/** Milliseconds until the 202, and until the first event that shows the job being worked on. */
async function measureSync(person: Person): Promise<{ accepted: number; progress: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const channel = person.client.channel(`user_jobs:${person.id}`, { config: { private: true } });
  channel.on("broadcast", { event: "job_update" }, ({ payload }) => {
    if (payload.status === "processing") resolve(performance.now());
  });
  await new Promise<void>((joined) =>
    channel.subscribe((status) => status === "SUBSCRIBED" ? joined() : reject(new Error(status)))
  );
  const started = performance.now();
  const id = await person.startSync();
  const accepted = performance.now() - started;
  const progress = await promise - started - accepted;
  await person.waitForJob(id, ended);
  await person.client.removeChannel(channel);
  return { accepted, progress };
}

async function untilNoWorkerIsAwake(): Promise<void> {
  for (;;) {
    const [row] = await sql<{ awake: number }[]>`select count(*)::int as awake from job_worker`;
    if (row!.awake === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

try {
  // The default limit of 100 requests an hour and user is not what is measured here.
  await sql`
    insert into private.rate_limit (function_name, caller, max_requests, per)
    values ('sync-youtube', 'user', 100000, '1 hour')
    on conflict (function_name, caller) do update set max_requests = excluded.max_requests`;
  const creators = [];
  for (let i = 0; i < people; i++) {
    const creator = await Person.signUp(stack);
    await creator.connectYouTube(accountWith(50));
    creators.push(creator);
  }
  await measureSync(creators[0]!);

  const accepted: number[] = [];
  const outcomes: Record<string, number> = {};
  for (let i = 0; i < calls; i++) {
    const started = performance.now();
    const answer = await creators[i % people]!.call("sync-youtube", {});
    accepted.push(performance.now() - started);
    const outcome = String(answer.body.outcome ?? answer.status);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(
    `POST sync-youtube → 202             ${describe(accepted)}   ${JSON.stringify(outcomes)}`,
  );

  const watcher = creators[0]!;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const awake: number[] = [];
  for (let i = 0; i < awakeRounds; i++) awake.push((await measureSync(watcher)).progress);
  console.log(`202 → first progress, worker awake  ${describe(awake)}`);

  const asleep: number[] = [];
  for (let i = 0; i < asleepRounds; i++) {
    await untilNoWorkerIsAwake();
    asleep.push((await measureSync(watcher)).progress);
  }
  console.log(`202 → first progress, none awake    ${describe(asleep)}`);
  await Promise.all(creators.map((creator) => creator.leave()));
} finally {
  await sql.end();
  await own?.stop({ remove: true });
}
