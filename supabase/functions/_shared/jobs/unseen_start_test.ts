import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { sleep, systemClock } from "./clock.ts";
import { defineJob } from "./define_job.ts";
import { defaultOptions } from "./options.ts";
import { openQueue, type Queue } from "./real_queue.ts";
import { noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

const concurrency = 4;

/** Twice as many jobs of one user as a worker has room for, and what that user was told of each. */
async function runJobsOfAUser(queue: Queue, run: (id: string) => Promise<void>) {
  const { sql, store, type } = queue;
  const user = crypto.randomUUID();
  await sql`insert into auth.users (id, email) values (${user}, ${user + "@tests.invalid"})`;
  await sql`
    insert into public.job_queue (job_type, user_id, turn)
    select ${type}, ${user}, n from generate_series(1, ${2 * concurrency}::int) as n`;
  const worker = new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [defineJob({
      type,
      params: z.object({}),
      checkpoint: z.never(),
      result: z.null(),
      run: (ctx) => run(ctx.job.id).then(() => null),
    })],
    deps: {},
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, concurrency, linger_ms: 200 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  const { completed } = await worker.run();
  assert.equal(completed, 2 * concurrency);
  const told = await sql<{ statuses: string[]; seqs: number[] }[]>`
    select array_agg(payload ->> 'status' order by message.seq) as statuses,
      array_agg(message.seq order by message.seq) as seqs
    from public.job_queue as job
    join realtime.messages on topic = 'job_status:' || job.id and event = 'job_update'
    cross join lateral (select (payload ->> 'seq')::int as seq) as message
    where job.job_type = ${type}
    group by job.id
    order by min(job.turn)`;
  await sql`delete from auth.users where id = ${user}`;
  for (const { seqs } of told) {
    assert.deepEqual(seqs, seqs.map((_, n) => n + 1), "every change is told, and once");
  }
  return told.map(({ statuses }) => statuses);
}

Deno.test("a user's job that ends at once is told once, by its end", async () => {
  await using queue = await openQueue();
  const told = await runJobsOfAUser(queue, () => Promise.resolve());
  assert.equal(told.length, 2 * concurrency);
  assert.deepEqual(
    told.slice(0, concurrency),
    Array.from({ length: concurrency }, () => ["completed"]),
  );
});

Deno.test("a user's job that lasts is seen to run while it runs, long before the next heartbeat", async () => {
  await using queue = await openQueue();
  const waits: number[] = [];
  const told = await runJobsOfAUser(queue, async (id) => {
    const since = performance.now();
    while ((await queue.row(id)).status !== "processing") await sleep(systemClock, 5);
    waits.push(performance.now() - since);
  });
  assert.ok(told.every(([first]) => first === "processing"), "its start is told first");
  assert.ok(told.every((statuses) => statuses.at(-1) === "completed"), "and its end last");
  assert.ok(Math.min(...waits) < 1_000, `seen after ${waits.map(Math.round)} ms`);
});
