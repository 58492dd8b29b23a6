import { Logger, makeWorkerUtils, run, runMigrations } from "graphile-worker";
import postgres from "postgres";
import type { OpenQueue } from "./contract.ts";

const logger = new Logger(() => () => {});

/**
 * graphile-worker with the settings of its own performance test: a local queue, and completions
 * collected into batches. `batch` is the size of the local queue.
 */
export const openQueue: OpenQueue = (connectionString, { batch = 500 }) => {
  const sql = postgres(connectionString, { max: 1, onnotice: () => {} });
  let utils: ReturnType<typeof makeWorkerUtils> | undefined;

  return {
    async install() {
      await runMigrations({ connectionString, logger });
    },

    async enqueue(n) {
      utils ??= makeWorkerUtils({ connectionString, logger, maxPoolSize: 8 });
      await (await utils).addJob("noop", { n });
    },

    // Its SQL function, called directly: addJobs() also carries every row back.
    async enqueueBulk(first, count) {
      const payloads = Array.from({ length: count }, (_, i) => ({ n: first + i }));
      await sql`
        select count(*) from graphile_worker.add_jobs((
          select array_agg(
            row('noop', payload, null, null, null, null, null, null)::graphile_worker.job_spec)
          from json_array_elements(${sql.json(payloads)}::json) as payload))`;
    },

    async load({ pending }) {
      for (let from = 0; from < pending; from += 100_000) {
        await sql`
          select count(*) from graphile_worker.add_jobs((
            select array_agg(
              row('noop', json_build_object('n', n), null, null, null, null, null, null)
                ::graphile_worker.job_spec)
            from generate_series(${from}::int, ${
          Math.min(from + 100_000, pending) - 1
        }::int) as n))`;
      }
    },

    async work(handle) {
      const runner = await run({
        connectionString,
        logger,
        noHandleSignals: true,
        taskList: { noop: (payload) => handle((payload as { n: number }).n) },
        preset: {
          worker: {
            concurrentJobs: 24,
            maxPoolSize: 25,
            localQueue: { size: batch, refetchDelay: { durationMs: 10 } },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      });
      return () => runner.stop();
    },

    async isDrained() {
      const [row] = await sql`
        select not exists (select from graphile_worker._private_jobs) as drained`;
      return row!.drained;
    },

    async contents() {
      const [row] = await sql`select count(*)::int as waiting from graphile_worker._private_jobs`;
      return { waiting: row!.waiting, finished: null };
    },

    async close() {
      await (await utils)?.release();
      await sql.end();
    },
  };
};
