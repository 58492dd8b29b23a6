/** What the experiments are made on. */
import postgres from "postgres";
import { migrate, readMigrations } from "../../local/migrations/migrate.ts";
import { applyPlatform } from "../../local/platform/apply.ts";
import { readStack } from "../../local/stack/client.ts";

/** A claimed job. */
export interface Lease {
  readonly job_id: string;
  readonly fencing_token: string;
}

/** A fresh queue, and what it costs to use it. */
export class Bench {
  constructor(
    readonly url: string,
    readonly database: string,
    readonly admin: postgres.Sql,
    readonly sql: postgres.Sql,
    readonly users: (string | null)[],
  ) {}

  /** Empties the queue and lines up so many jobs of a thousand users. */
  async fill(jobs: number) {
    await this.admin.unsafe(`
      truncate public.job_queue, realtime.messages;
      update private.job_lane set virtual_time = 0`).simple();
    await this.sql`
      insert into public.job_queue (user_id, job_type, turn)
      select (${this.users}::uuid[])[1 + n % 1000], 'bench', n
      from generate_series(1, ${jobs}::int) as n`;
    await this.admin`vacuum analyze public.job_queue`;
  }

  claim(batch: number) {
    return this.sql<Lease[]>`
      select id as job_id, fencing_token from public.claim_jobs('bench', ${batch}::int)`;
  }

  async complete(jobs: readonly Lease[]) {
    const results = jobs.map((job) => ({ ...job, result: { done: true } }));
    await this.sql`select count(*) from public.complete_jobs(${this.sql.json(results)})`;
  }

  progress({ job_id, fencing_token }: Lease, percent: number) {
    return this.sql`
      select public.update_job_progress(${job_id}, ${percent}, ${`at ${percent}`}, ${fencing_token})`;
  }

  /** Blocks of the queue, its side tables and all their indexes, bytes of log, and updates of jobs that `work` took. */
  async cost(work: () => Promise<unknown>) {
    const before = await this.#counters();
    await work();
    const after = await this.#counters();
    const updates = after.updates - before.updates;
    return {
      blocks: after.blocks - before.blocks,
      wal: after.wal - before.wal,
      updates,
      hot_percent: Math.round(100 * (after.hot - before.hot) / Math.max(1, updates)),
    };
  }

  async #counters() {
    for (const sql of [this.sql, this.admin]) await sql`select pg_stat_force_next_flush()`;
    await new Promise((resolve) => setTimeout(resolve, 150));
    const [row] = await this.admin<Record<"blocks" | "wal" | "updates" | "hot", number>[]>`
      select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::int as blocks,
        (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as wal,
        (sum(n_tup_upd) filter (where relname = 'job_queue'))::int as updates,
        (sum(n_tup_hot_upd) filter (where relname = 'job_queue'))::int as hot
      from pg_statio_user_tables join pg_stat_user_tables using (relid, schemaname, relname)
      where schemaname in ('public', 'private') and relname like 'job%'`;
    return row!;
  }
}

/** Runs an experiment in a database of its own on a running stack, which is gone afterwards. */
export async function withBench(experiment: (bench: Bench) => Promise<void>): Promise<void> {
  const stack = await readStack();
  const database = `experiment_${Deno.pid}`;
  const server = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${database} owner postgres`);
  const admin = postgres(stack.admin_db_url, { max: 1, database, onnotice: () => {} });
  const sql = postgres(stack.db_url, { max: 1, database, onnotice: () => {} });
  try {
    await applyPlatform(admin);
    await migrate(sql, await readMigrations());
    // Realtime's stand-in reads the whole server's log; it need not read ours.
    await admin`alter publication supabase_realtime drop table public.job_queue, public.job_log`;
    const users = Array.from({ length: 1_000 }, () => crypto.randomUUID());
    await admin`
      insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
    await admin`
      insert into public.job_type (name, category, description) values ('bench', 'maintenance', '')`;
    await experiment(new Bench(stack.db_url, database, admin, sql, users));
  } finally {
    await Promise.all([admin.end(), sql.end()]);
    await server.unsafe(`drop database ${database} with (force)`);
    await server.end();
  }
}
