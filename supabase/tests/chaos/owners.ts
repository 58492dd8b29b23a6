/** Those whose jobs they are: they create them, cancel a few, retry some of those, and ask for news. */
import type postgres from "postgres";
import { type Control, sleep } from "./control.ts";
import { bulk, type Wanted } from "./workload.ts";

/** A job that was accepted: its id came back. */
interface Accepted extends Wanted {
  readonly id: string;
  interference: "none" | "cancelled" | "retried";
}

const BATCH = 25;

export class Owners {
  readonly accepted: Accepted[] = [];
  /** Calls that failed, though nothing was wrong with them. */
  readonly refusals: string[] = [];
  #interference: Promise<void>[] = [];

  constructor(private readonly control: Control, private readonly random: () => number) {}

  /** Creates the jobs spread over the time, and interferes with a few of them. */
  async enqueue(jobs: Wanted[], ms: number): Promise<void> {
    const startedAt = Date.now();
    for (let from = 0; from < jobs.length; from += BATCH) {
      const due = startedAt + ms * from / jobs.length;
      await sleep(Math.max(0, due - Date.now()));
      const page = jobs.slice(from, from + BATCH);
      const create = this.random() < 0.5 ? this.#createOneByOne : this.#createTogether;
      const rows = page.map((job) => this.#row(job));
      const ids = await this.control.persist(() => create.call(this, rows));
      page.forEach((job, n) => this.#accept({ ...job, id: ids[n]!, interference: "none" }));
    }
    await Promise.all(this.#interference);
  }

  /** Creates jobs of the system in bulk, again and again, and interferes with a few of them. */
  async enqueueInBulk(ms: number): Promise<void> {
    let n = 0;
    for (const end = Date.now() + ms; Date.now() < end; await sleep(3_000)) {
      const jobs = bulk(60, n, this.random);
      n += jobs.length;
      const rows = jobs.map(({ job_type, params }) => ({ job_type, params }));
      const ids = await this.control.persist(() => this.#createTogether(rows));
      jobs.forEach((job, n) => this.#accept({ ...job, id: ids[n]!, interference: "none" }));
    }
    await Promise.all(this.#interference);
  }

  /** Asks again and again for the newest news: of these jobs only the last is still wanted. */
  async supersede(ms: number): Promise<void> {
    const { persist, sql, users } = this.control;
    for (const end = Date.now() + ms; Date.now() < end; await sleep(400)) {
      await persist(() =>
        sql`
          select from public.find_or_create_job(
            ${users[1]!}, 'chaos_slow', '{"n": -1, "ms": 3000, "then": "complete"}',
            p_key => 'news', p_supersede => true)`
      ).catch((error) => void this.refusals.push(`supersede: ${error}`));
    }
  }

  /** Jobs that ended otherwise than they had to. */
  async unexpected(): Promise<string[]> {
    const rows = await this.control.sql<{ id: string; end: string }[]>`
      select id, concat_ws(' ', status, case when status = 'failed' then error_code end) as end
      from public.job_queue`;
    const ends = new Map(rows.map(({ id, end }) => [id, end]));
    const wrong = this.accepted.filter(({ id, expected, interference }) => {
      const end = ends.get(id);
      if (end === undefined) return true;
      if (interference === "cancelled" && end === "cancelled") return false;
      return !expected.includes(end);
    });
    if (wrong.length === 0) return [];
    const shown = wrong.slice(0, 8)
      .map((job) => `    ${ends.get(job.id) ?? "lost"}: ${JSON.stringify(job)}`);
    return [`NOT: every job ends as it has to (${wrong.length})`, ...shown];
  }

  #row({ job_type, params }: Wanted) {
    const { users } = this.control;
    // A few are the system's own.
    const user_id = this.random() < 0.1 ? null : users[Math.floor(this.random() * users.length)];
    return { user_id, job_type, params };
  }

  async #createOneByOne(rows: unknown[]): Promise<string[]> {
    const { sql } = this.control;
    const created = await this.control.rows<{ id: string }>(sql`
      select public.create_job(job.user_id, job.job_type, job.params) as id
      from rows from (jsonb_to_recordset(${sql.json(rows as postgres.JSONValue)}) as (
        user_id uuid, job_type text, params jsonb)) with ordinality as job (user_id, job_type, params, place)
      order by job.place`);
    return created.map(({ id }) => id);
  }

  async #createTogether(rows: unknown[]): Promise<string[]> {
    const { sql } = this.control;
    const created = await this.control.rows<{ job_id: string }>(sql`
      select job_id from public.create_jobs(${
      sql.json(rows as postgres.JSONValue)
    }) order by ordinal`);
    return created.map(({ job_id }) => job_id);
  }

  #accept(job: Accepted): void {
    this.accepted.push(job);
    if (this.random() >= 0.06) return;
    this.#interference.push(
      this.#interfere(job).catch((error) => void this.refusals.push(`${error}`)),
    );
  }

  async #interfere(job: Accepted): Promise<void> {
    const { persist, rows, sql } = this.control;
    await sleep(this.random() * 1_500);
    job.interference = "cancelled";
    await persist(() => sql`select public.cancel_job(${job.id})`);
    if (this.random() < 0.5) return;
    await sleep(this.random() * 1_000);
    // Asked once, and the answer may be lost: then either end is right.
    const [retried] = await rows<{ retried: boolean }>(sql`
      select public.retry_job(${job.id}) as retried`).catch(() => []);
    if (retried?.retried) job.interference = "retried";
  }
}
