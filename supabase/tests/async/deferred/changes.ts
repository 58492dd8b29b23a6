/** Whatever can happen to jobs that wait, for `deferred_race_test.ts`. */
import type postgres from "postgres";

export interface Change {
  readonly to: (sql: postgres.Sql, ids: readonly string[], user: string) => Promise<unknown>;
  /** Whether a claim that was quicker keeps the jobs. */
  readonly leavesThem: boolean;
  /** What passes by whatever a claim has need not wait for it. */
  readonly passesBy?: boolean;
}

export const changes: Record<string, Change> = {
  "cancel": {
    to: (sql, ids) => sql`select public.cancel_job(id) from unnest(${ids}::uuid[]) as id`,
    leavesThem: false,
  },
  "cancel and retry": {
    to: async (sql, ids) => {
      await sql`select public.cancel_job(id) from unnest(${ids}::uuid[]) as id`;
      await sql`select public.retry_job(id) from unnest(${ids}::uuid[]) as id`;
    },
    leavesThem: false,
  },
  "delete": {
    to: (sql, ids) => sql`delete from public.job_queue where id = any(${ids}::uuid[])`,
    leavesThem: false,
  },
  "end of the account": {
    to: (sql, _, user) => sql`delete from auth.users where id = ${user}`,
    leavesThem: false,
  },
  "pause of the owner": {
    to: (sql, _, user) => sql`select public.pause_user_jobs(${user})`,
    leavesThem: true,
    passesBy: true,
  },
  "priority by hand": {
    to: (sql, ids) =>
      sql`update public.job_queue set job_priority = 4 where id = any(${ids}::uuid[])`,
    leavesThem: true,
  },
  "expiry": {
    to: async (sql, ids) => {
      await sql`
        update public.job_queue set expires_at = now() - interval '1 second' where id = any(${ids}::uuid[])`;
      await sql`select public.expire_stale_jobs()`;
    },
    leavesThem: true,
  },
  "start by hand": {
    to: (sql, ids) => sql`select public.start_job(id, 'by hand') from unnest(${ids}::uuid[]) as id`,
    leavesThem: true,
  },
};
