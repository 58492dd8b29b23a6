/** The test's own hands in the database: they keep asking until the database is there to answer. */
import { join } from "node:path";
import postgres from "postgres";
import type { Wanted } from "./workload.ts";

/** A job that was accepted: its id came back. */
export interface Accepted extends Wanted {
  readonly id: string;
  interference: "none" | "cancelled" | "retried";
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const BATCH = 25;

export class Control {
  readonly sql: postgres.Sql;
  /** Calls of an owner that failed, though nothing was wrong with them. */
  readonly refusals: string[] = [];
  readonly #users = Array.from({ length: 12 }, () => crypto.randomUUID());

  constructor(dbUrl: string) {
    this.sql = postgres(dbUrl, {
      max: 3,
      onnotice: () => {},
      connection: { application_name: "chaos-control" },
    });
  }

  async prepare(): Promise<void> {
    await this.sql.unsafe(await Deno.readTextFile(join(import.meta.dirname!, "audit.sql")));
    // SQL that breaks the engine on purpose: a test that cannot fail shows nothing.
    const sabotage = Deno.env.get("CHAOS_SABOTAGE");
    if (sabotage) await this.sql.unsafe(sabotage);
    await this.sql`
      insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${this.#users}::uuid[]) as id`;
  }

  /** Asks until it is answered; what was asked may have been done even if no answer came. */
  async persist<T>(ask: () => Promise<T>): Promise<T> {
    const end = Date.now() + 30_000;
    while (true) {
      try {
        return await ask();
      } catch (error) {
        if (Date.now() > end || !isOutage(error)) throw error;
        await sleep(100);
      }
    }
  }

  /** The rows of a result without holes; see `withoutHoles()` in `jobs/pool.ts`. */
  async rows<T>(result: Promise<Iterable<postgres.Row>>): Promise<T[]> {
    return [...await result].filter((row) => row !== undefined) as T[];
  }

  /** Creates the jobs spread over the time, and interferes with a few of them as an owner would. */
  async enqueue(jobs: Wanted[], ms: number, random: () => number): Promise<Accepted[]> {
    const accepted: Accepted[] = [];
    const interference: Promise<void>[] = [];
    const startedAt = Date.now();
    for (let from = 0; from < jobs.length; from += BATCH) {
      const due = startedAt + ms * from / jobs.length;
      await sleep(Math.max(0, due - Date.now()));
      const page = jobs.slice(from, from + BATCH);
      const ids = await this.persist(() => this.#create(page, random));
      const created = page.map((job, n): Accepted => ({
        ...job,
        id: ids[n]!,
        interference: "none",
      }));
      accepted.push(...created);
      for (const job of created) {
        if (random() < 0.06) {
          interference.push(
            this.#interfere(job, random).catch((error) => void this.refusals.push(`${error}`)),
          );
        }
      }
    }
    await Promise.all(interference);
    return accepted;
  }

  async #create(page: Wanted[], random: () => number): Promise<string[]> {
    const rows = page.map(({ job_type, params }) => ({
      // A few are the system's own.
      user_id: random() < 0.1 ? null : this.#users[Math.floor(random() * this.#users.length)],
      job_type,
      params,
    }));
    const created = await this.rows<{ id: string }>(this.sql`
      select public.create_job(job.user_id, job.job_type, job.params) as id
      from rows from (jsonb_to_recordset(${this.sql.json(rows as postgres.JSONValue)}) as (
        user_id uuid, job_type text, params jsonb)) with ordinality as job (user_id, job_type, params, place)
      order by job.place`);
    return created.map(({ id }) => id);
  }

  async #interfere(job: Accepted, random: () => number): Promise<void> {
    await sleep(random() * 1_500);
    job.interference = "cancelled";
    await this.persist(() => this.sql`select public.cancel_job(${job.id})`);
    if (random() < 0.5) return;
    await sleep(random() * 1_000);
    // Asked once: a second yes would be a second run.
    const retried = await this.sql<{ retried: boolean }[]>`
      select public.retry_job(${job.id}) as retried`.catch(() => []);
    if (retried[0]?.retried) job.interference = "retried";
  }

  /** Pauses a type for a while, and writes down when. */
  async pause(jobType: string, ms: number): Promise<void> {
    const { sql } = this;
    await this.persist(() => sql`select * from public.pause_job_type(${jobType})`);
    await this.persist(() =>
      sql`insert into chaos.pause values (${jobType}, clock_timestamp(), null)`
    );
    await sleep(ms);
    await this.persist(() =>
      sql`update chaos.pause set resumed_at = clock_timestamp() where job_type = ${jobType}`
    );
    await this.persist(() => sql`select * from public.resume_job_type(${jobType})`);
  }

  /** Resolves when no job is left to do; so do the findings when that takes too long, by name. */
  async whenAllEnded(patienceMs: number): Promise<void> {
    for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(250)) {
      const left = await this.persist(() =>
        this.rows(this.sql`
          select from public.job_queue
          where job_type in (select name from chaos.job_type) and completed_at is null limit 1`)
      );
      if (left.length === 0) return;
    }
  }

  /** What the tick does about what is left over, without waiting for it. */
  async settle(): Promise<void> {
    await this.sql`select private.process_background_jobs()`;
  }

  /** Jobs that ended otherwise than they had to. */
  async unexpected(accepted: Accepted[]): Promise<string[]> {
    const rows = await this.sql<{ id: string; status: string; end: string }[]>`
      select id, status, concat_ws(' ', status, case when status = 'failed' then error_code end) as end
      from public.job_queue`;
    const ends = new Map(rows.map(({ id, end }) => [id, end]));
    const wrong = accepted.filter(({ id, expected, interference }) => {
      const end = ends.get(id);
      if (end === undefined) return true;
      if (interference === "cancelled" && end === "cancelled") return false;
      return !expected.includes(end);
    });
    if (wrong.length === 0) return [];
    return [
      `NOT: every job ends as it has to (${wrong.length})`,
      ...wrong.slice(0, 8).map((job) =>
        `    ${ends.get(job.id) ?? "lost"}: ${JSON.stringify(job)}`
      ),
    ];
  }

  async close(): Promise<void> {
    await this.sql.end({ timeout: 2 });
  }
}

/** The connection broke, or the server is starting, stopping or ending sessions. */
function isOutage(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  return /^(57P0\d|08\w{3}|CONNECT\w*|ECONN\w*|CONNECTION_\w+|EPIPE)$/.test(code);
}
