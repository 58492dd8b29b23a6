import type postgres from "postgres";
import { HELD, type JobStore } from "./job_store.ts";
import type { Tag } from "./pool.ts";
import { isLockTimeout, itemsOf, listOf } from "./sql_values.ts";

/**
 * So many completions at once are a drain. Without results they are not waited for until they are on
 * disk: a server that crashes within the 0.6 s until then has the jobs run again, as any crash before
 * a completion does. Fewer would be written later, and their owners told later.
 */
const DRAIN_BATCH = 256;

/** Ends of attempts. They wait for no one who holds one of the jobs for long: see {@link HELD}. */
export function settlingCalls(
  sql: Tag,
  json: (value: unknown) => postgres.Parameter,
): Pick<JobStore, "complete" | "fail" | "giveBack" | "readRecorded"> {
  return {
    async complete(jobs) {
      const ids = listOf(jobs.map(({ job_id }) => job_id));
      const tokens = listOf(jobs.map(({ fencing_token }) => fencing_token));
      const hasResults = jobs.some(({ result }) => result !== null && result !== undefined);
      const results = hasResults ? json(jobs.map(({ result }) => result)) : null;
      const isDrain = !hasResults && jobs.length >= DRAIN_BATCH;
      try {
        const [row] = await sql<{ refused: string }[]>`
          select set_config('lock_timeout', '50ms', true),
            case when ${isDrain} then set_config('synchronous_commit', 'off', true) end,
            private.complete_by_id(${ids}, ${tokens}, ${results}) as refused`;
        return new Map(itemsOf(row!.refused).map((id) => [id, null]));
      } catch (error) {
        if (!isLockTimeout(error)) throw error;
      }
      // Somebody holds one of them for long. To ask before would cost every batch.
      const [row] = await sql<{ refused: string; held: string | null }[]>`
        select refused, held from private.complete_free(${ids}, ${tokens}, ${results})`;
      const { refused, held } = row!;
      return new Map([
        ...itemsOf(refused).map((id) => [id, null] as const),
        ...itemsOf(held ?? "{}").map((id) => [id, HELD] as const),
      ]);
    },

    async fail(jobs) {
      const rows = await sql<{ job_id: string; status: string }[]>`
        select job_id, status from public.fail_jobs(${json(jobs)}) where status is not null`;
      return new Map(rows.map((row) => [row.job_id, row.status]));
    },

    async giveBack(jobs) {
      const rows = await sql<{ job_id: string; recorded: boolean | null }[]>`
        select job_id, recorded from public.yield_jobs(${json(jobs)}) where recorded is not false`;
      return new Map(rows.map((row) => [row.job_id, row.recorded ? "pending" : HELD]));
    },

    // Whatever else ends an attempt moves the token on.
    async readRecorded(attempts) {
      const ids = listOf(attempts.map(({ job_id }) => job_id));
      const tokens = listOf(attempts.map(({ fencing_token }) => fencing_token));
      const rows = await sql<{ id: string; status: string }[]>`
        select id, status from public.job_queue
        where id = any(${ids}) and status <> 'processing'
          and (id, fencing_token) in (select unnest(${ids}::uuid[]), unnest(${tokens}::bigint[]))`;
      return new Map(rows.map(({ id, status }) => [id, status]));
    },
  };
}
