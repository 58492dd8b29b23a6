import postgres from "postgres";
import type { OpenQueue } from "./contract.ts";
import { LastFirst } from "./last_first.ts";

interface Message {
  msg_id: string;
  message: { n: number };
}

/** Longer than any batch takes here; a message read and not deleted comes back after it. */
const visibilitySeconds = 30;
const loops = 2;
const pauseMs = 20;

/** pgmq has no worker, so this is ours at its plainest: read a batch, handle it, delete it. */
export const openQueue: OpenQueue = (url, { batch = 2000, notify = false }) => {
  const sql = postgres(url, { max: 1 + loops, onnotice: () => {} });
  const clients = new LastFirst(url, 8);

  return {
    async install() {
      await sql`create extension pgmq`;
      await sql`select pgmq.create('noop')`;
      if (notify) await sql`select pgmq.enable_notify_insert('noop', 0)`;
    },

    async enqueue(n) {
      await clients.run((sql) => sql`select pgmq.send('noop', ${sql.json({ n })})`);
    },

    async enqueueBulk(first, count) {
      const messages = Array.from({ length: count }, (_, i) => ({ n: first + i }));
      await sql`
        select count(*) from pgmq.send_batch('noop', (
          select array_agg(message) from jsonb_array_elements(${sql.json(messages)}) as message))`;
    },

    async load({ pending, finished }) {
      await sql`
        select count(*) from pgmq.send_batch('noop', (
          select coalesce(array_agg(jsonb_build_object('n', n)), '{}')
          from generate_series(0, ${pending - 1}::int) as n))`;
      await sql`
        insert into pgmq.a_noop (msg_id, read_ct, enqueued_at, archived_at, vt, message)
        select -n, 1, now(), now(), now(), jsonb_build_object('n', n)
        from generate_series(1, ${finished}::int) as n`;
    },

    async work(handle) {
      let stopped = false;
      let wake = () => {};
      const idle = () =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, notify ? 1000 : pauseMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      const loop = async () => {
        while (!stopped) {
          const messages = await sql<Message[]>`
            select msg_id, message from pgmq.read('noop', ${visibilitySeconds}, ${batch})`;
          for (const { message } of messages) handle(message.n);
          if (messages.length === 0) await idle();
          else {
            const ids = messages.map(({ msg_id }) => msg_id);
            await sql`select count(*) from pgmq.delete('noop', ${sql.array(ids, 20)}::bigint[])`;
          }
        }
      };
      if (notify) await sql.listen("pgmq.q_noop.INSERT", () => wake());
      const running = Array.from({ length: notify ? 1 : loops }, loop);
      return async () => {
        stopped = true;
        wake();
        await Promise.all(running);
      };
    },

    async isDrained() {
      const [row] = await sql`select not exists (select from pgmq.q_noop) as drained`;
      return row!.drained;
    },

    async contents() {
      const [row] = await sql`select count(*)::int as waiting from pgmq.q_noop`;
      return { waiting: row!.waiting, finished: null };
    },

    async close() {
      await Promise.all([sql.end(), clients.close()]);
    },
  };
};
