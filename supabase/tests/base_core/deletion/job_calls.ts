/** What owners, the product and operators ask of jobs. */
import { type Call } from "./race.ts";
import { TOKEN } from "./doomed_user.ts";

/** A job that nobody has begun, and that is to come later. */
const planned: Call["before"] = ({ sql, user, jobType }) =>
  sql`
    select private.find_or_create_job(${user}, ${jobType}, '{"n": 5}',
      p_scheduled_for => now() + interval '1 hour')`;

export const jobCalls: Record<string, Call> = {
  "create_job()": {
    run: (sql, { user, jobType }) => sql`select public.create_job(${user}, ${jobType}, '{"n": 1}')`,
  },
  "find_or_create_job(), new": {
    run: (sql, { user, jobType }) =>
      sql`select * from public.find_or_create_job(${user}, ${jobType}, '{"n": 2}')`,
  },
  "find_or_create_job(), in place of another": {
    before: ({ sql, user, jobType }) =>
      sql`select * from public.find_or_create_job(${user}, ${jobType}, '{}', null, 'same')`,
    run: (sql, { user, jobType }) =>
      sql`select * from public.find_or_create_job(${user}, ${jobType}, '{}', null, 'same', true)`,
  },
  "find_or_create_job(), of one that is planned": {
    before: planned,
    run: (sql, { user, jobType }) =>
      sql`select * from public.find_or_create_job(${user}, ${jobType}, '{"n": 5}')`,
  },
  "create_jobs(), of one that is planned": {
    before: planned,
    run: (sql, { user, jobType }) =>
      sql`
        select * from public.create_jobs(${
        sql.json([5, 6].map((n) => ({ user_id: user, job_type: jobType, params: { n } })))
      })`,
  },
  "create_jobs(), which cost units": {
    run: (sql, { user, jobType }) =>
      sql`
        select * from public.create_jobs(${
        sql.json([{ user_id: user, job_type: jobType, params: { n: 3 } }])
      })`,
  },
  "create_jobs(), which cost nothing": {
    run: (sql, { user, plainType }) =>
      sql`
        select * from public.create_jobs(${
        sql.json([{ user_id: user, job_type: plainType, params: { n: 4 } }])
      })`,
  },
  "a job that is inserted": {
    run: (sql, { user, jobType }) =>
      sql`insert into public.job_queue (user_id, job_type) values (${user}, ${jobType})`,
  },
  "cancel_job(), of one that waits": {
    run: (sql, { waiting, user }) => sql`select public.cancel_job(${waiting}, ${user})`,
  },
  "cancel_job(), of one that runs": {
    run: (sql, { held, user }) => sql`select public.cancel_job(${held}, ${user})`,
  },
  "cancel_job(), of a parent": {
    run: (sql, { parent, user }) => sql`select public.cancel_job(${parent}, ${user})`,
  },
  "retry_job()": {
    run: (sql, { failed, user }) => sql`select public.retry_job(${failed}, ${user})`,
  },
  "retry_job(), of a parent": {
    before: async ({ sql, child }) => {
      await sql`select public.fail_job(${child}, 'broken', 'BROKEN', false, null, ${TOKEN})`;
    },
    run: (sql, { parent, user }) => sql`select public.retry_job(${parent}, ${user})`,
  },
  "retry_failed_jobs()": {
    run: (sql, { jobType }) =>
      sql`select * from public.retry_failed_jobs(${jobType}, null, '2 days')`,
  },
  "pause_user_jobs()": {
    run: (sql, { user }) => sql`select * from public.pause_user_jobs(${user})`,
  },
  "resume_user_jobs()": {
    before: ({ sql, user }) => sql`select * from public.pause_user_jobs(${user})`,
    run: (sql, { user }) => sql`select * from public.resume_user_jobs(${user})`,
  },
  "a priority that is set by hand": {
    run: (sql, { waiting }) =>
      sql`update public.job_queue set job_priority = 3 where id = ${waiting}`,
  },
  "cleanup_old_jobs()": {
    run: (sql) => sql`select public.cleanup_old_jobs()`,
  },
};
