/** The test's own hands in the database, and an operator's: they keep asking until it answers. */
import { join } from "node:path";
import postgres from "postgres";

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Control {
  readonly sql: postgres.Sql;
  readonly users = Array.from({ length: 12 }, () => crypto.randomUUID());

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
      select id, id || '@tests.invalid' from unnest(${this.users}::uuid[]) as id`;
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

  /** Pauses a type for a while, and writes down when. */
  async pauseType(jobType: string, ms: number): Promise<void> {
    const { sql } = this;
    await this.persist(() => sql`select * from public.pause_job_type(${jobType})`);
    await this.#wait(ms, { job_type: jobType });
    await this.persist(() => sql`select * from public.resume_job_type(${jobType})`);
  }

  /** Pauses a user for a while, and writes down when. */
  async pauseUser(ms: number): Promise<void> {
    const { sql } = this;
    const [user] = this.users;
    await this.persist(() => sql`select * from public.pause_user_jobs(${user!})`);
    await this.#wait(ms, { user_id: user! });
    await this.persist(() => sql`select * from public.resume_user_jobs(${user!})`);
  }

  async #wait(ms: number, of: { job_type?: string; user_id?: string }): Promise<void> {
    const { sql } = this;
    const { job_type = null, user_id = null } = of;
    await this.persist(() =>
      sql`insert into chaos.pause values (${job_type}, ${user_id}, clock_timestamp(), null)`
    );
    await sleep(ms);
    await this.persist(() =>
      sql`
        update chaos.pause set resumed_at = clock_timestamp()
        where (job_type, user_id) is not distinct from (${job_type}, ${user_id}::uuid)`
    );
  }

  /** Once more for everything that failed, spread over two seconds. */
  async retryFailed(): Promise<number> {
    const retried = await this.sql`
      select from public.retry_failed_jobs(p_spread => interval '2 seconds') where outcome = 'retried'`;
    return retried.length;
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

  async close(): Promise<void> {
    await this.sql.end({ timeout: 2 });
  }
}

/** The connection broke, or the server is starting, stopping or ending sessions. */
function isOutage(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  return /^(57P0\d|08\w{3}|CONNECT\w*|ECONN\w*|CONNECTION_\w+|EPIPE)$/.test(code);
}
