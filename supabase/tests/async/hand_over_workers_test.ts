/** Workers that sleep and are handed jobs, hear nothing of them, or die with them. */
import assert from "node:assert/strict";
import { z } from "zod";
import { sleep, systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defineJob } from "../../functions/_shared/jobs/define_job.ts";
import type { JobStore } from "../../functions/_shared/jobs/job_store.ts";
import { defaultOptions } from "../../functions/_shared/jobs/options.ts";
import { openQueue, type Queue } from "../../functions/_shared/jobs/real_queue.ts";
import { SilentWay } from "../../functions/_shared/jobs/silent_way.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { noDb } from "../../functions/_shared/jobs/testing.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";
import { createLogger } from "../../functions/_shared/log.ts";
import { create, handedOver, sleeps } from "./hand_overs.ts";
import { until } from "./own_jobs.ts";

/** A worker with one type and nothing to do; it says so before this resolves. */
async function asleep(
  queue: Queue,
  run: (n: number) => Promise<void>,
  store: JobStore = queue.store,
) {
  const worker = new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [defineJob({
      type: queue.type,
      params: z.object({ n: z.int() }),
      checkpoint: z.never(),
      result: z.null(),
      run: async (ctx) => {
        await run(ctx.params.n);
        return null;
      },
    })],
    deps: {},
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, concurrency: 50, linger_ms: 60_000, unload_grace_ms: 50 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  const life = worker.run();
  await until(() => sleeps(queue.sql, worker.id));
  return {
    id: worker.id,
    async [Symbol.asyncDispose]() {
      await worker.shutdown();
      await life;
    },
  };
}

const hasEnded = (queue: Queue, id: string) => async () =>
  (await queue.row(id)).status === "completed";

/** What is handed over and not heard of is looked at again now, not in ten seconds. */
const letTimePass = async ({ sql, type }: Queue): Promise<void> => {
  await sql`
    update private.job_lease set check_at = now() where job_type = ${type} and is_handed_over`;
  await sql`select from private.recover_lost_jobs()`;
};

Deno.test("a worker does each job once, whether it was handed over or claimed", async () => {
  await using queue = await openQueue();
  const { sql, type } = queue;
  const runs = new Map<number, number>();
  await using _worker = await asleep(queue, (n) => {
    runs.set(n, (runs.get(n) ?? 0) + 1);
    return sleep(systemClock, n % 3);
  });
  let n = 0;
  const creator = async (pause: number) => {
    while (n < 300) {
      await create(sql, type, n++);
      await sleep(systemClock, Math.random() * pause);
    }
  };
  await Promise.all([creator(1), creator(20)]);
  await until(async () => {
    const [left] = await sql`
      select count(*)::int as jobs from public.job_queue
      where job_type = ${type} and status <> 'completed'`;
    return left!.jobs === 0;
  });
  assert.equal(runs.size, n);
  assert.ok([...runs.values()].every((times) => times === 1));
});

Deno.test("a notification that never arrives costs a second, not the job", async () => {
  await using queue = await openQueue();
  const deaf: JobStore = {
    ...queue.store,
    listen: (calls) => queue.store.listen({ ...calls, onHandOver() {} }),
  };
  await using _worker = await asleep(queue, () => Promise.resolve(), deaf);
  const id = await create(queue.sql, queue.type);
  assert.deepEqual(await handedOver(queue.sql, queue.type), [id]);
  const since = performance.now();
  await until(hasEnded(queue, id));
  assert.ok(performance.now() - since < 5_000);
});

Deno.test("what is handed to a worker that hears nothing any more is done by another, and is no crash", async () => {
  await using queue = await openQueue();
  const { way, url } = SilentWay.to(queue.url);
  const store = openStore({ url, callTimeoutMs: 1_000 });
  const unreached = await asleep(queue, () => Promise.resolve(), store);
  way.silence();
  const id = await create(queue.sql, queue.type);
  assert.deepEqual(await handedOver(queue.sql, queue.type), [id]);
  way.isDead = true;
  await letTimePass(queue);
  {
    await using _other = await asleep(queue, () => Promise.resolve());
    await until(hasEnded(queue, id));
  }
  assert.equal((await queue.row(id)).crash_count, 0);
  way.close();
  await unreached[Symbol.asyncDispose]();
  await store.close();
});

Deno.test("what is handed to a worker that is killed at once is done by another", async () => {
  await using queue = await openQueue();
  const script = new URL("./hand_over_worker.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, queue.url, queue.type],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const words = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await until(() => sleeps(queue.sql, `worker-${process.pid}`));
  const id = await create(queue.sql, queue.type);
  const { value } = await words.read();
  process.kill("SIGKILL");
  assert.equal(value, `started ${id}\n`);
  await process.status;
  await words.cancel();

  await letTimePass(queue);
  await using _other = await asleep(queue, () => Promise.resolve());
  await until(hasEnded(queue, id));
});
