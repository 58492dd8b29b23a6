/** Lines of which the last jobs are there, are on their way, or have gone. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { soon } from "./holding.ts";
import { withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

/** Where nothing else of the stack lines up. */
const lane = 9;

Deno.test("a tick moves no line whose last jobs are not committed, and does not wait for them", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, users, jobTypes: [type], enqueue }) => {
    const [parent] = await enqueue(1);
    const [lease] = await sql<{ token: number }[]>`
      select fencing_token::int as token from public.claim_jobs('left', 1, ${sql.array([type!])})`;
    const addChildren = async (by: postgres.Sql, name: string, count: number) => {
      const children = Array.from({ length: count }, (_, n) => ({
        job_type: type!,
        key: `${name} ${n}`,
        priority: lane,
      }));
      await by`
        select public.create_child_jobs(${parent!}, ${lease!.token}, ${by.json(children)})`;
    };
    const turnsOf = async (name: string): Promise<number[]> => {
      const rows = await sql<{ turn: number }[]>`
        select (turn - virtual_time)::int as turn
        from public.job_queue join private.job_lane using (job_priority)
        where job_type = ${type!} and dedupe_key like ${`key:${name} %`} order by turn`;
      return rows.map(({ turn }) => turn);
    };
    const sweep = async () => {
      await sql`select private.sweep_batches()`;
    };
    try {
      await addChildren(sql, "first", 2);
      await withOpenTransaction(sql, (held) => addChildren(held, "many", 50), () => soon(sweep()));
      await addChildren(sql, "next", 1);
      assert.deepEqual(await turnsOf("first"), [1, 2]);
      assert.deepEqual(await turnsOf("next"), [53], "behind all of them");

      await sql`
        update public.job_queue
        set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), turn = null
        where job_type = ${type!} and status = 'pending' and dedupe_key not like 'key:first %'`;
      await sweep();
      await addChildren(sql, "last", 1);
      assert.deepEqual(await turnsOf("last"), [3], "where those stood who have gone");
    } finally {
      await sql`delete from private.job_flow where flow_id = ${users[0]!}`;
    }
  });
});
