import postgres from "postgres";
import type { OpenQueue } from "./contract.ts";
import { LastFirst } from "./last_first.ts";

const loops = 2;
const pauseMs = 20;

/**
 * No job system but a bound for all of them: one table, one index, prepared statements, no retries,
 * no owners. An enqueue is one INSERT, a batch one UPDATE … SKIP LOCKED and one DELETE.
 */
export const openQueue: OpenQueue = (url, { batch = 2000 }) => {
  const sql = postgres(url, { max: 1 + loops, onnotice: () => {} });
  const clients = new LastFirst(url, 8);

  return {
    async install() {
      await sql`
        create table job (
          id bigint generated always as identity primary key,
          taken_at timestamptz,
          payload jsonb not null
        )`;
    },

    async enqueue(n) {
      await clients.run((sql) => sql`insert into job (payload) values (${sql.json({ n })})`);
    },

    async enqueueBulk(first, count) {
      const payloads = Array.from({ length: count }, (_, i) => ({ n: first + i }));
      await sql`
        insert into job (payload)
        select payload from jsonb_array_elements(${sql.json(payloads)}) as payload`;
    },

    async load({ pending, finished }) {
      if (finished > 0) throw new Error("A finished job leaves no row.");
      await sql`
        insert into job (payload)
        select jsonb_build_object('n', n) from generate_series(0, ${pending - 1}::int) as n`;
    },

    work(handle) {
      let stopped = false;
      const loop = async () => {
        while (!stopped) {
          const jobs = await sql<{ id: string; payload: { n: number } }[]>`
            update job set taken_at = now()
            where ctid = any(array(
              select ctid from job where taken_at is null
              order by id limit ${batch} for update skip locked))
            returning id, payload`;
          for (const { payload } of jobs) handle(payload.n);
          if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
          else {await sql`delete from job where id = any(${
              sql.array(jobs.map(({ id }) => id), 20)
            })`;}
        }
      };
      const running = Array.from({ length: loops }, loop);
      return Promise.resolve(async () => {
        stopped = true;
        await Promise.all(running);
      });
    },

    async isDrained() {
      const [row] = await sql`select not exists (select from job) as drained`;
      return row!.drained;
    },

    async contents() {
      const [row] = await sql`select count(*)::int as waiting from job`;
      return { waiting: row!.waiting, finished: null };
    },

    async close() {
      await Promise.all([sql.end(), clients.close()]);
    },
  };
};
