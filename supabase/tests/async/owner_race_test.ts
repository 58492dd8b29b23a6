/** What pgTAP cannot show, having one session: jobs that are created while their owner's account ends. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

type Create = (sql: postgres.Sql, user: string, jobType: string) => Promise<unknown>;

const ways: Record<string, Create> = {
  "one job": (sql, user, type) => sql`select public.create_job(${user}, ${type}, '{}')`,
  "many jobs": (sql, user, type) =>
    sql`select * from public.create_jobs(${
      sql.json([1, 2, 3].map((n) => ({ user_id: user, job_type: type, params: { n } })))
    })`,
  "a row": (sql, user, type) =>
    sql`insert into public.job_queue (user_id, job_type, turn) values (${user}, ${type}, 1)`,
};

/** Jobs of the user, and what is listed of them. */
async function left({ sql, users }: OwnJobs): Promise<number[]> {
  const [row] = await sql`
    select (select count(*)::int from public.job_queue where user_id = any(${users as string[]})) as jobs,
      (select count(*)::int from (
        select user_id from private.job_waiting union all select user_id from private.job_active
      ) as listed where user_id = any(${users as string[]})) as active`;
  return [row!.jobs, row!.active];
}

for (const [what, create] of Object.entries(ways)) {
  Deno.test(`${what} of a user who is just going: refused once they are gone, created if they stay`, async () => {
    for (const end of ["commit", "rollback"] as const) {
      await withOwnJobs({ connections: 4 }, async (own) => {
        const { sql, users, jobTypes } = own;
        let creation: Promise<PromiseSettledResult<unknown>[]> | undefined;

        const leave = (held: postgres.Sql) => held`delete from auth.users where id = ${users[0]!}`;
        await withOpenTransaction(sql, leave, async (pid) => {
          creation = Promise.allSettled([create(sql, users[0]!, jobTypes[0]!)]);
          await until(async () => await own.waitingFor(pid) === 1);
        }, end);

        const [created] = await creation!;
        assert.ok(created);
        const jobs = what === "many jobs" ? 3 : 1;
        if (created.status === "rejected") assert.equal(created.reason.code, "23503");
        assert.equal(created.status, end === "commit" ? "rejected" : "fulfilled");
        assert.deepEqual(await left(own), end === "commit" ? [0, 0] : [jobs, jobs]);
      });
    }
  });

  Deno.test(`${what} created while their owner waits to go, goes along`, async () => {
    await withOwnJobs({ connections: 4 }, async (own) => {
      const { sql, users, jobTypes } = own;
      let leaving: Promise<unknown> | undefined;

      await withOpenTransaction(
        sql,
        (held) => create(held, users[0]!, jobTypes[0]!),
        async (pid) => {
          leaving = Promise.resolve(sql`delete from auth.users where id = ${users[0]!}`);
          await until(async () => await own.waitingFor(pid) === 1);
        },
      );
      await leaving;

      assert.deepEqual(await left(own), [0, 0]);
    });
  });
}

const several: Record<string, (own: OwnJobs) => Promise<unknown>> = {
  "jobs of both": ({ sql, users, jobTypes: [type] }) =>
    sql`select * from public.create_jobs(${
      sql.json(users.map((user_id) => ({ user_id, job_type: type!, params: { n: 1 } })))
    })`,
  "jobs of both, of which some may be there": ({ sql, users, jobTypes: [type] }) =>
    sql`select * from public.create_jobs(${
      sql.json(users.map((user_id, n) => ({ user_id, job_type: type!, key: `${n}`, delay_ms: 1 })))
    })`,
  "jobs of both, which are planned for later": ({ sql, users, jobTypes: [type] }) =>
    sql`select * from public.create_jobs(${
      sql.json(users.map((user_id) => ({ user_id, job_type: type!, params: { n: 2 } })))
    })`,
  "a retry of what has failed": ({ sql, jobTypes: [type] }) =>
    sql`select * from public.retry_failed_jobs(${type!})`,
};

for (const [what, ask] of Object.entries(several)) {
  Deno.test(`the end of two accounts at once, in any order, succeeds beside ${what}`, async () => {
    await withOwnJobs({ connections: 4, users: 2 }, async (own) => {
      const { sql, users, jobTypes } = own;
      await sql`
        insert into public.job_queue (
          user_id, job_type, status, error_code, completed_at, dedupe_key)
        select id, ${jobTypes[0]!}, 'failed', 'HANDLER_ERROR', now(), id::text
        from unnest(${users as string[]}::uuid[]) as id`;
      await sql`
        insert into public.job_queue (user_id, job_type, scheduled_for, turn, dedupe_key)
        select id, ${jobTypes[0]!}, now() + interval '1 hour', null,
          private.job_dedupe_key(${jobTypes[0]!}, '{"n": 2}')
        from unnest(${users as string[]}::uuid[]) as id`;
      const [first, second] = users.toSorted() as [string, string];
      let asked: Promise<PromiseSettledResult<unknown>[]> | undefined;
      let deleting: postgres.Sql | undefined;
      // Against the order in which everybody else locks users.
      await withOpenTransaction(
        sql,
        async (held) => {
          await held`delete from auth.users where id = ${second}`;
          deleting = held;
        },
        async (pid) => {
          asked = Promise.allSettled([ask(own)]);
          let isAnswered = false;
          asked.then(() => isAnswered = true);
          await until(async () => isAnswered || await own.waitingFor(pid) > 0);
          // Longer than it takes PostgreSQL to see that who waits now is in no circle yet.
          await new Promise((next) => setTimeout(next, 1_200));
          await deleting!`delete from auth.users where id = ${first}`;
        },
      );
      const [answer] = await asked!;
      if (answer!.status === "rejected") assert.equal(refusal(answer!.reason), "PT409 CONFLICT");
      assert.deepEqual(await left(own), [0, 0]);
    });
  });
}

Deno.test("an account is not deleted by who cannot see what it has done since: its jobs would stay behind", async () => {
  await withOwnJobs({ connections: 2 }, async (own) => {
    const { sql, users, jobTypes } = own;
    for (const level of ["repeatable read", "serializable"]) {
      const held = await sql.reserve();
      await held.unsafe(`begin isolation level ${level}`);
      await held`select from auth.users limit 1`;
      await ways["a row"]!(sql, users[0]!, jobTypes[0]!);
      const said = await held`delete from auth.users where id = ${users[0]!}`
        .then(() => "nothing", refusal);
      await held`rollback`;
      held.release();
      assert.equal(said, "PT409 CONFLICT", level);
    }
    assert.deepEqual(await left(own), [2, 2]);
    await sql`delete from auth.users where id = ${users[0]!}`;
    assert.deepEqual(await left(own), [0, 0]);
  });
});
