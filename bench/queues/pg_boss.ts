import { PgBoss } from "pg-boss";
import postgres from "postgres";
import type { OpenQueue } from "./contract.ts";

const queue = "noop";

/**
 * pg-boss: two local workers that fetch full batches without a pause. Supervision and schedules are
 * off, since they would only cost. With `notify` one worker is woken by LISTEN.
 */
export const openQueue: OpenQueue = (connectionString, { batch = 2000, notify = false }) => {
  const sql = postgres(connectionString, { max: 1, onnotice: () => {} });
  const boss = new PgBoss({
    connectionString,
    supervise: false,
    schedule: false,
    useListenNotify: notify,
    max: 10,
  });
  boss.on("error", (error) => console.error(error));
  let started: Promise<unknown> | undefined;
  const ready = () => started ??= boss.start();

  return {
    async install() {
      await ready();
      await boss.createQueue(queue, { notify });
    },

    async enqueue(n) {
      await ready();
      await boss.send(queue, { n });
    },

    async enqueueBulk(first, count) {
      await ready();
      await boss.insert(
        queue,
        Array.from({ length: count }, (_, i) => ({ data: { n: first + i } })),
      );
    },

    async load({ pending, finished }) {
      await sql`
        insert into pgboss.job (name, data, policy)
        select ${queue}, jsonb_build_object('n', n), 'standard'
        from generate_series(0, ${pending - 1}::int) as n`;
      await sql`
        insert into pgboss.job (name, data, policy, state, started_on, completed_on)
        select ${queue}, jsonb_build_object('n', n), 'standard', 'completed', now(), now()
        from generate_series(1, ${finished}::int) as n`;
    },

    async work(handle) {
      await ready();
      const options = {
        batchSize: batch,
        localConcurrency: notify ? 1 : 2,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
      };
      await boss.work<{ n: number }>(queue, options, (jobs) => {
        for (const { data } of jobs) handle(data.n);
        return Promise.resolve();
      });
      return () => boss.stop({ graceful: true, timeout: 10_000 });
    },

    async isDrained() {
      const [row] = await sql`
        select not exists (select from pgboss.job where name = ${queue} and state < 'completed')
          as drained`;
      return row!.drained;
    },

    async contents() {
      const [row] = await sql`
        select count(*) filter (where state < 'completed')::int as waiting,
          count(*) filter (where state = 'completed')::int as finished
        from pgboss.job where name = ${queue}`;
      return { waiting: row!.waiting, finished: row!.finished };
    },

    async close() {
      if (started) await boss.stop({ graceful: false });
      await sql.end();
    },
  };
};
