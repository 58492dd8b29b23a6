/** What workers and the timetable do to jobs. */
import type postgres from "postgres";
import { type Call } from "./race.ts";
import { type Doomed, TOKEN } from "./doomed_user.ts";

/** Starts the job that waits without writing so to its row, and says under which token. */
async function defer({ sql, jobType, plainType, waiting, user }: Doomed): Promise<string> {
  await sql`
    insert into public.job_queue (user_id, job_type, turn) values (${user}, ${jobType}, 1)`;
  const jobs = await sql<{ id: string; fencing_token: string }[]>`
    select id, fencing_token from private.take_jobs(${user}, 2, ${[jobType, plainType]}, true)`;
  const job = jobs.find(({ id }) => id === waiting);
  if (!job || BigInt(job.fencing_token) < 1_000_000_000_000n) {
    throw new Error("it was not deferred");
  }
  return job.fencing_token;
}

const tokens = new Map<string, string>();
const deferred = async (own: Doomed) => tokens.set(own.user, await defer(own));
const settle = (sql: postgres.Sql, { user, waiting }: Doomed) =>
  sql.json([{ job_id: waiting, fencing_token: tokens.get(user)!, retryable: false }]);

export const workerCalls: Record<string, Call> = {
  "claim_jobs()": {
    run: (sql, { user, jobType }) =>
      sql`select id from public.claim_jobs(${user}, 5, ${[jobType]})`,
  },
  "a claim that writes nothing": {
    before: ({ sql, user, jobType }) =>
      sql`insert into public.job_queue (user_id, job_type, turn) values (${user}, ${jobType}, 1)`,
    run: (sql, { user, jobType }) =>
      sql`select id from private.take_jobs(${user}, 2, ${[jobType]}, true)`,
  },
  "a claim that puts jobs aside": {
    before: async ({ sql, user, jobType }) => {
      await sql`select * from public.pause_user_jobs(${user})`;
      await sql`
        insert into public.job_queue (user_id, job_type, turn)
        select ${user}, ${jobType}, n from generate_series(1, 60) as n`;
    },
    run: (sql, { user, jobType }) =>
      sql`select id from public.claim_jobs(${user}, 5, ${[jobType]})`,
  },
  "start_job()": {
    run: (sql, { waiting, user }) => sql`select public.start_job(${waiting}, ${user})`,
  },
  "heartbeat()": {
    before: ({ sql, held }) =>
      sql`update public.job_queue set lease_expires_at = now() + interval '1 second' where id = ${held}`,
    run: (sql, { held, user }) =>
      sql`
        select public.heartbeat(${user}, ${
        sql.json([{ job_id: held, fencing_token: TOKEN }])
      }, 0, 0)`,
  },
  "heartbeat(), which writes a start": {
    before: async (own) => {
      await deferred(own);
      // Younger ones it leaves alone.
      await own.sql`
        update private.job_lease set started_at = started_at - interval '1 second'
        where worker_id = ${own.user}`;
    },
    run: (sql, { user }) => sql`select public.heartbeat(${user}, '[]', 0, 0)`,
  },
  "complete_job()": {
    run: (sql, { held }) => sql`select public.complete_job(${held}, '{}', ${TOKEN})`,
  },
  "complete_job(), of a child": {
    run: (sql, { child }) => sql`select public.complete_job(${child}, '{}', ${TOKEN})`,
  },
  "complete_jobs(), of starts that are not written": {
    before: deferred,
    run: (sql, own) => sql`select * from public.complete_jobs(${settle(sql, own)})`,
  },
  "fail_job()": {
    run: (sql, { held }) =>
      sql`select public.fail_job(${held}, 'broken', 'BROKEN', false, null, ${TOKEN})`,
  },
  "fail_job(), to be retried": {
    before: ({ sql, held }) => sql`update public.job_queue set max_retries = 3 where id = ${held}`,
    run: (sql, { held }) =>
      sql`select public.fail_job(${held}, 'broken', 'BROKEN', true, '0', ${TOKEN})`,
  },
  "fail_job(), of a child": {
    run: (sql, { child }) =>
      sql`select public.fail_job(${child}, 'broken', 'BROKEN', false, null, ${TOKEN})`,
  },
  "fail_jobs(), of starts that are not written": {
    before: deferred,
    run: (sql, own) => sql`select * from public.fail_jobs(${settle(sql, own)})`,
  },
  "update_job_progress()": {
    run: (sql, { held }) => sql`select public.update_job_progress(${held}, 30, 'On', ${TOKEN})`,
  },
  "save_job_checkpoint()": {
    run: (sql, { held }) =>
      sql`select public.save_job_checkpoint(${held}, ${TOKEN}, '{"n": 1}', 30)`,
  },
  "yield_job()": {
    run: (sql, { held }) => sql`select public.yield_job(${held}, ${TOKEN})`,
  },
  "add_job_log()": {
    run: (sql, { held }) => sql`select public.add_job_log(${held}, 'info', 'On', '{}', ${TOKEN})`,
  },
  "create_child_jobs()": {
    run: (sql, { held, jobType }) =>
      sql`select * from public.create_child_jobs(${held}, ${TOKEN}, ${
        sql.json([{ job_type: jobType, key: "one" }, { job_type: jobType, key: "two" }])
      })`,
  },
  "wait_for_children()": {
    run: (sql, { held }) => sql`select public.wait_for_children(${held}, ${TOKEN})`,
  },
  "the tick": {
    // Three jobs of one user end, one after the other.
    before: async ({ sql, held, waiting, parent }) => {
      await sql`
        update public.job_queue
        set lease_expires_at = now() - interval '1 second', crash_count = 2, crash_streak = 2 where id = ${held}`;
      await sql`
        update public.job_queue set expires_at = now() - interval '1 second' where id = ${waiting}`;
      await sql`
        update public.job_batch set total = 2, failed = 1 where parent_job_id = ${parent}`;
    },
    run: (sql) => sql`select private.process_background_jobs()`,
  },
  "recover_lost_jobs()": {
    before: ({ sql, held }) =>
      sql`
        update public.job_queue
        set lease_expires_at = now() - interval '1 second', crash_count = 2, crash_streak = 2 where id = ${held}`,
    run: (sql) => sql`select * from private.recover_lost_jobs()`,
  },
  "expire_pending_jobs()": {
    before: ({ sql, waiting }) =>
      sql`update public.job_queue set expires_at = now() - interval '1 second' where id = ${waiting}`,
    run: (sql) => sql`select * from private.expire_pending_jobs()`,
  },
  "promote_due_jobs()": {
    before: ({ sql, waiting }) =>
      sql`update public.job_queue set turn = null where id = ${waiting}`,
    run: (sql) => sql`select private.promote_due_jobs()`,
  },
  "sweep_batches()": {
    before: ({ sql, parent }) =>
      sql`update public.job_batch set total = 2 where parent_job_id = ${parent}`,
    run: (sql) => sql`select private.sweep_batches()`,
  },
};
