/** Parents and children for race tests: made, claimed and settled by the functions that workers call. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import type { JobRow, OwnJobs } from "./own_jobs.ts";

export interface Held {
  readonly id: string;
  readonly token: number;
}

interface Batch {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly is_open: boolean;
}

interface Waiting {
  readonly onChildFailure?: "fail_fast" | "partial";
  readonly whenDone?: "complete" | "resume";
}

/** A parent of the first job type and its children of the second, in a corner of the database. */
export class Family {
  constructor(private own: OwnJobs, readonly parent: Held) {}

  /** A parent that runs and has `count` waiting children. */
  static async start(own: OwnJobs, count: number): Promise<Family> {
    const [id] = await own.enqueue(1);
    const [parent] = await claim(own.sql, [own.jobTypes[0]!]);
    assert.equal(parent!.id, id);
    const family = new Family(own, parent!);
    await family.create(count);
    return family;
  }

  async create(count: number, sql = this.own.sql): Promise<void> {
    const children = Array.from({ length: count }, (_, n) => ({
      job_type: this.own.jobTypes[1]!,
      key: `c${n}`,
    }));
    await sql`
      select * from public.create_child_jobs(${this.parent.id}, ${this.parent.token}, ${
      sql.json(children)
    })`;
  }

  async wait(
    { onChildFailure = "partial", whenDone = "complete" }: Waiting = {},
    sql = this.own.sql,
  ) {
    const [row] = await sql<{ status: string | null }[]>`
      select public.wait_for_children(
        ${this.parent.id}, ${this.parent.token}, ${onChildFailure}, ${whenDone}) as status`;
    return row!.status;
  }

  claimChildren = (): Promise<Held[]> => claim(this.own.sql, [this.own.jobTypes[1]!]);

  async children(): Promise<JobRow[]> {
    const rows = await this.own.sql<{ job: JobRow }[]>`
      select to_jsonb(job) as job from public.job_queue as job where parent_job_id = ${this.parent.id}`;
    return rows.map(({ job }) => job);
  }

  async batch(): Promise<Batch> {
    const [row] = await this.own.sql<Batch[]>`
      select * from public.job_batch where parent_job_id = ${this.parent.id}`;
    return row!;
  }

  job = (): Promise<JobRow> => this.own.job(this.parent.id);

  /** What must hold whenever nothing is under way: the batch says what the rows say. */
  async assertCounted(): Promise<void> {
    const children = await this.children();
    const ended = (status: string) => children.filter((child) => child.status === status).length;
    const { total, completed, failed, cancelled } = await this.batch();
    assert.deepEqual({ total, completed, failed, cancelled }, {
      total: children.length,
      completed: ended("completed"),
      failed: ended("failed"),
      cancelled: ended("cancelled"),
    });
  }
}

export async function claim(sql: postgres.Sql, jobTypes: string[], limit = 1000): Promise<Held[]> {
  return await sql<Held[]>`
    select id, fencing_token::int as token
    from public.claim_jobs('race', ${limit}, ${sql.array(jobTypes)})`;
}

export async function complete(sql: postgres.Sql, jobs: readonly Held[]): Promise<number> {
  const outcomes = jobs.map(({ id, token }) => ({ job_id: id, fencing_token: token }));
  const rows = await sql<{ recorded: boolean }[]>`
    select recorded from public.complete_jobs(${sql.json(outcomes)})`;
  return rows.filter(({ recorded }) => recorded).length;
}

export async function fail(sql: postgres.Sql, jobs: readonly Held[]): Promise<number> {
  const outcomes = jobs.map(({ id, token }) => ({
    job_id: id,
    fencing_token: token,
    error_message: "no",
    retryable: false,
  }));
  const rows = await sql<{ status: string | null }[]>`
    select status from public.fail_jobs(${sql.json(outcomes)})`;
  return rows.filter(({ status }) => status).length;
}

export async function cancel(sql: postgres.Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ done: boolean }[]>`select public.cancel_job(${id}) as done`;
  return row!.done;
}

export async function loseLease(sql: postgres.Sql, jobs: readonly Held[]): Promise<void> {
  await sql`
    update public.job_queue
    set slice_started_at = slice_started_at - interval '1 minute',
      lease_expires_at = now() - interval '1 second'
    where id = any(${jobs.map(({ id }) => id)}) and status = 'processing'`;
}

export async function sweep(sql: postgres.Sql): Promise<void> {
  await sql`select private.sweep_batches()`;
}
