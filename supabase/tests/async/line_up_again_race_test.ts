/** Jobs of one user that come back while others of the same user do. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { soon } from "./holding.ts";
import { type OwnJobs, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

/** Where nothing else of the stack lines up. */
const lane = 9;

interface Lease {
  readonly id: string;
  readonly token: number;
}

async function start(
  { sql, users, jobTypes }: OwnJobs,
  count: number,
  batchSize = count,
): Promise<Lease[]> {
  const [user, jobType] = [users[0]!, jobTypes[0]!];
  await sql`
    insert into public.job_queue (user_id, job_type, job_priority, turn)
    select ${user}::uuid, ${jobType}, ${lane}, virtual_time + n
    from private.job_lane, generate_series(1, ${count}::int) as n
    where job_priority = ${lane}`;
  return await sql<Lease[]>`
    select id, fencing_token::int as token
    from public.claim_jobs('again', ${batchSize}, ${sql.array([jobType])})`;
}

async function yieldJob(sql: postgres.Sql, { id, token }: Lease): Promise<void> {
  await sql`select public.yield_job(${id}, ${token})`;
}

async function turnOf(sql: postgres.Sql, { id }: Lease): Promise<number> {
  const [row] = await sql<{ turn: number }[]>`
    select (turn - virtual_time)::int as turn
    from public.job_queue join private.job_lane using (job_priority) where id = ${id}`;
  return row!.turn;
}

const forget = ({ sql, users }: OwnJobs) =>
  sql`delete from private.job_flow where flow_id = ${users[0]!}`;

Deno.test("who gives a job back waits for nobody who gives back another of the same user", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql } = own;
    const [a, b, c, d, e, f] = await start(own, 6);
    const turns: number[] = [];
    try {
      // The first to come back: where it stands is not to be seen before it has committed.
      await withOpenTransaction(sql, (held) => yieldJob(held, a!), () => soon(yieldJob(sql, b!)));
      turns.push(await turnOf(sql, a!), await turnOf(sql, b!));
      // Where they stand is known, and somebody is just moving it.
      await soon(yieldJob(sql, c!));
      await withOpenTransaction(sql, (held) => yieldJob(held, d!), () => soon(yieldJob(sql, e!)));
      await soon(yieldJob(sql, f!));
      for (const job of [c!, d!, e!, f!]) turns.push(await turnOf(sql, job));
    } finally {
      await forget(own);
    }
    assert.deepEqual(
      turns,
      [2, 2, 3, 4, 4, 5],
      "beside the one that is not there yet, behind all others",
    );
  });
});

Deno.test("a parent that goes on waits for nobody who gives back jobs of its user", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql, users, jobTypes } = own;
    const [parent, running] = await start(own, 2);
    const [child] = await sql<{ job_id: string }[]>`
      select job_id
      from public.create_child_jobs(${parent!.id}, ${parent!.token}, ${
      sql.json([{ job_type: jobTypes[0]!, key: "only", priority: lane }])
    })`;
    await sql`
      select public.wait_for_children(${parent!.id}, ${parent!.token}, 'partial', 'resume')`;
    const [lease] = await sql<Lease[]>`
      select id, fencing_token::int as token
      from public.claim_jobs('again', 1, ${sql.array([jobTypes[0]!])})`;
    assert.equal(lease!.id, child!.job_id);
    try {
      await withOpenTransaction(
        sql,
        (held) => yieldJob(held, running!),
        () =>
          soon((async () => {
            await sql`select public.complete_job(${lease!.id}, '{}', ${lease!.token})`;
          })()),
      );
      const { status, held_by, turn } = await own.job(parent!.id);
      assert.deepEqual({ status, held_by, stands: turn !== null }, {
        status: "pending",
        held_by: null,
        stands: true,
      });
    } finally {
      await forget(own);
    }
    assert.equal((await own.job(parent!.id)).user_id, users[0]);
  });
});

Deno.test("eight workers give back hundreds of jobs of one user, and hold up neither each other nor a job of another", async () => {
  await withOwnJobs({ connections: 10, users: 2 }, async (own) => {
    const { sql, users, jobTypes } = own;
    const leases = await start(own, 400);
    assert.equal(leases.length, 400);
    try {
      await Promise.all(Array.from({ length: 8 }, async (_, worker) => {
        for (const lease of leases.filter((_, n) => n % 8 === worker)) {
          await yieldJob(sql, lease);
        }
      }));
      await sql`
        insert into public.job_queue (user_id, job_type, job_priority, turn)
        select ${users[1]!}::uuid, ${jobTypes[0]!}, ${lane},
          private.line_up(${users[1]!}, ${lane}::smallint) + 1`;
      const [seen] = await sql<{ turns: number; before: number }[]>`
        select count(distinct turn)::int as turns, (count(*) filter (where turn <= (
          select turn from public.job_queue where user_id = ${users[1]!})))::int - 1 as before
        from public.job_queue where job_type = ${jobTypes[0]!} and status = 'pending'`;
      // Of eight at once, some stand beside each other.
      assert.ok(seen!.turns >= 400 / 16, `they stand at ${seen!.turns} turns`);
      assert.ok(seen!.before <= 16, `${seen!.before} of them stand before another user's next job`);
      await assertSideTablesAreRight(sql, "after hundreds came back");
    } finally {
      await forget(own);
    }
  });
});
