/** For contract tests: jobs that stand as a test wants them, of a type that no worker takes. */

import postgres from "postgres";
import type { StackInfo } from "../../../../local/stack/client.ts";
import type { Person } from "../../../tests/e2e/person.ts";

type Status = "pending" | "processing" | "completed" | "failed" | "cancelled";

/** Columns of a row by name; what is wrong with them, the database says. */
type Columns = Record<string, postgres.ParameterOrJSON<never>>;

/** What a test has stored; gone when it ends. */
export interface StoredJobs {
  readonly type: string;
  readonly sql: postgres.Sql;
  add(owner: Person, status: Status, columns?: Columns): Promise<string>;
  addLog(job_id: string, lines: Columns[]): Promise<void>;
  /** Counts the children that were added to a job. */
  addBatch(parent_job_id: string, counts: Columns): Promise<void>;
}

const soon = () => new Date(Date.now() + 3_600_000).toISOString();
const now = () => new Date().toISOString();

const columnsOf: Record<Status, () => Columns> = {
  pending: () => ({}),
  processing: () => ({
    worker_id: "contract",
    fencing_token: 1,
    started_at: now(),
    slice_started_at: now(),
    lease_expires_at: soon(),
    turn: null,
  }),
  completed: () => ({ progress_percent: 100, completed_at: now(), turn: null }),
  failed: () => ({
    completed_at: now(),
    error_code: "HANDLER_ERROR",
    error_message: "It broke.",
    turn: null,
  }),
  cancelled: () => ({ completed_at: now(), cancel_requested_at: now(), turn: null }),
};

/** Runs a test that needs stored jobs. */
export async function withStoredJobs(
  stack: StackInfo,
  run: (stored: StoredJobs) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const type = `contract_${crypto.randomUUID().replaceAll("-", "")}`;
  try {
    await sql`
      insert into public.job_type (name, category, description, cache_ttl)
      values (${type}, 'maintenance', 'A contract test''s own.', null)`;
    await run({
      type,
      sql,
      async add(owner, status, columns = {}) {
        const row = {
          user_id: owner.id,
          job_type: type,
          status,
          ...columnsOf[status](),
          ...columns,
        };
        const [job] = await sql<{ id: string }[]>`
          insert into public.job_queue ${
          sql(row as Record<string, postgres.ParameterOrJSON<never>>)
        }
          returning id`;
        return job!.id;
      },
      async addLog(job_id, lines) {
        for (const line of lines) {
          await sql`insert into public.job_log ${sql({ job_id, ...line })}`;
        }
      },
      async addBatch(parent_job_id, counts) {
        await sql`insert into public.job_batch ${sql({ parent_job_id, ...counts })}`;
      },
    });
  } finally {
    await sql`
      delete from public.job_log
      where job_id in (select id from public.job_queue where job_type = ${type})`;
    await sql`delete from public.job_queue where job_type = ${type}`;
    await sql`delete from public.job_type where name = ${type}`;
    await sql.end();
  }
}
