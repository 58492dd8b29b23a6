/**
 * A corner of the database that only one test knows: users and job types of its own, so that it can
 * run beside everything else, and no worker of the stack claims its jobs.
 */
import assert from "node:assert/strict";
import postgres from "postgres";
import type { Database } from "../../functions/_shared/database.types.ts";
import { readStack } from "../../../local/stack/client.ts";

type Tables = Database["public"]["Tables"];

/** A row of the queue as `to_jsonb()` gives it: numbers and texts, no dates and no strings of digits. */
export type JobRow = Tables["job_queue"]["Row"];

type JobTypeColumns = Partial<Omit<Tables["job_type"]["Insert"], "name">>;

/** What a test owns; gone when it ends. */
export interface OwnJobs {
  readonly sql: postgres.Sql;
  readonly users: readonly string[];
  readonly jobTypes: readonly string[];
  /** Inserts `count` waiting jobs of the first type, user by user in turns, past the limit per user. */
  enqueue(count: number): Promise<string[]>;
  job(id: string): Promise<JobRow>;
  /** How many connections wait for a lock that this database transaction holds. */
  waitingFor(pid: number): Promise<number>;
}

interface Wanted {
  /** Unless it is the stack's own. */
  readonly database?: string;
  readonly connections: number;
  readonly users?: number;
  readonly jobTypes?: readonly JobTypeColumns[];
}

const stack = await readStack();

/** Makes users and job types, runs the test with them, and deletes them with all their jobs. */
export async function withOwnJobs(
  { database, connections, users: userCount = 1, jobTypes: columns = [{}] }: Wanted,
  run: (own: OwnJobs) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, {
    max: connections,
    onnotice: () => {},
    ...(database && { database }),
  });
  const users = Array.from({ length: userCount }, () => crypto.randomUUID());
  const prefix = `race_${crypto.randomUUID().replaceAll("-", "")}`;
  const jobTypes = columns.map((_, n) => `${prefix}_${n}`);
  try {
    // A race needs its connections before the start: opening one takes longer than what it then does.
    await Promise.all(Array.from({ length: connections }, () => sql`select`));
    for (const [n, type] of columns.entries()) {
      const row = {
        cache_ttl: null,
        ...type,
        name: jobTypes[n]!,
        category: "maintenance",
        description: "A race test's own.",
      };
      await sql`insert into public.job_type ${sql(row)}`;
    }
    await sql`
      insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
    await run({
      sql,
      users,
      jobTypes,
      enqueue: (count) => enqueue(sql, users, jobTypes[0]!, count),
      job: (id) => readJob(sql, id),
      waitingFor: (pid) => waitingFor(sql, pid),
    });
  } finally {
    await sql`
      delete from public.job_log
      where job_id in (select id from public.job_queue where job_type = any(${jobTypes}))`;
    await sql`delete from public.job_queue where job_type = any(${jobTypes})`;
    await sql`delete from public.job_type where name = any(${jobTypes})`;
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
}

async function enqueue(
  sql: postgres.Sql,
  users: string[],
  jobType: string,
  count: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    insert into public.job_queue (user_id, job_type, turn)
    select (${users}::uuid[])[1 + n % ${users.length}], ${jobType}, n
    from generate_series(1, ${count}::int) as n
    returning id`;
  return rows.map(({ id }) => id);
}

async function readJob(sql: postgres.Sql, id: string): Promise<JobRow> {
  const [row] = await sql<{ job: JobRow }[]>`
    select to_jsonb(job) as job from public.job_queue as job where id = ${id}`;
  assert.ok(row, `job ${id} is there`);
  return row.job;
}

/** How many connections wait for a lock that this database transaction holds. */
export async function waitingFor(sql: postgres.Sql, pid: number): Promise<number> {
  // Who waits behind a waiter waits for the same transaction.
  const [row] = await sql<{ waiting: number }[]>`
    with recursive waiter as (
      select ${pid}::int as pid
      union
      select blocked.pid
      from waiter
      join pg_catalog.pg_locks as blocked
        on not blocked.granted and waiter.pid = any(pg_blocking_pids(blocked.pid))
    )
    select count(*)::int - 1 as waiting from waiter`;
  return row!.waiting;
}

/**
 * Runs `task` over a connection of its own in a transaction that stays open during `meanwhile`.
 *
 * @returns What `task` returned.
 */
export async function withOpenTransaction<T>(
  sql: postgres.Sql,
  task: (held: postgres.Sql) => Promise<T>,
  meanwhile: (pid: number) => Promise<void>,
  end: "commit" | "rollback" = "commit",
): Promise<T> {
  const held = await sql.reserve();
  try {
    await held`begin`;
    const done = await task(held);
    const [session] = await held<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await meanwhile(session!.pid);
    await held.unsafe(end);
    return done;
  } finally {
    // After a failure; else there is no transaction left, and this is a notice.
    await held`rollback`;
    held.release();
  }
}

/** Resolves once `holds` is true; fails when it stays false for as long as no test should take. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!await holds()) {
    assert.ok(Date.now() < deadline, "what the test waits for never came");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a failed statement says to a program: its SQLSTATE and the code of the error. */
export function refusal(error: unknown): string {
  assert.ok(error instanceof postgres.PostgresError, String(error));
  return `${error.code} ${error.hint}`;
}
