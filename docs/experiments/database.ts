/**
 * The experiments behind DATABASE_OPTIMIZATION.md, on a database of their own on a running stack:
 *
 *   deno run -A docs/experiments/database.ts hot
 *
 * They count blocks and bytes rather than milliseconds: those are the same on a busy machine.
 */
import postgres from "postgres";
import { migrate, readMigrations } from "../../local/migrations/migrate.ts";
import { applyPlatform } from "../../local/platform/apply.ts";
import { readStack } from "../../local/stack/client.ts";

interface Lease {
  readonly job_id: string;
  readonly fencing_token: string;
}

/** A fresh queue, and what it costs to use it. */
class Bench {
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

const experiments: Record<string, (bench: Bench) => Promise<void>> = {
  /** What a progress update costs, and what one index on a column it writes would add. */
  async hot(bench) {
    const run = async (what: string) => {
      await bench.fill(2_000);
      const jobs = await bench.claim(200);
      const { updates, wal, hot_percent } = await bench.cost(async () => {
        for (let percent = 4; percent <= 80; percent += 4) {
          for (const job of jobs) await bench.progress(job, percent);
        }
      });
      console.log({ what, updates, hot_percent, wal_bytes_each: Math.round(wal / updates) });
    };
    await run("as it is");
    bench.users.fill(null);
    await run("system jobs, which are not broadcast");
    await bench.admin`create index on public.job_queue (updated_at)`;
    await run("system jobs, with an index on updated_at");
  },

  /** Whether a claim reads more when more is waiting. */
  async backlog(bench) {
    for (const pending of [10_000, 300_000]) {
      await bench.fill(pending);
      for (const batch of [1, 10, 100]) {
        const { blocks } = await bench.cost(() => times(10, () => bench.claim(batch)));
        console.log({ pending, batch, blocks_per_claim: blocks / 10 });
      }
    }
  },

  /** What a claim reads after so many jobs have gone through, with and without an old snapshot. */
  async snapshot(bench) {
    for (const held of [false, true]) {
      await bench.fill(40_000);
      const other = postgres(bench.url, { max: 1, database: bench.database });
      if (held) await other.unsafe("begin isolation level repeatable read; select 1").simple();
      for (const done of [0, 10_000, 20_000, 30_000]) {
        if (done > 0) await times(20, async () => bench.complete(await bench.claim(500)));
        const { blocks } = await bench.cost(() => times(10, () => bench.claim(10)));
        console.log({ held, done, blocks_per_claim: blocks / 10 });
      }
      await other.end();
    }
  },

  /** Eight clients that end one job each at a time: what NOTIFY costs, in turns. */
  async notify(bench) {
    const clients = postgres(bench.url, { max: 8, database: bench.database });
    for (const notify of [true, false, true, false, true, false]) {
      await bench.admin`update private.job_setting set notify_status_changes = ${notify}`;
      await bench.fill(3_000);
      const jobs: Lease[] = [];
      await times(3, async () => jobs.push(...await bench.claim(1_000)));
      await Promise.all(Array.from({ length: 8 }, () => clients`select pg_sleep(0.05)`));
      const began = performance.now();
      await Promise.all(Array.from({ length: 8 }, async () => {
        for (let job = jobs.pop(); job; job = jobs.pop()) {
          await clients`select public.complete_job(${job.job_id}, null, ${job.fencing_token})`;
        }
      }));
      const seconds = (performance.now() - began) / 1000;
      console.log({ notify, jobs_per_second: Math.round(3_000 / seconds) });
    }
    await clients.end();
  },
};

async function times(count: number, work: () => Promise<unknown>) {
  for (let n = 0; n < count; n++) await work();
}

const experiment = experiments[Deno.args[0] ?? ""];
if (!experiment) {
  console.error(`Which one? ${Object.keys(experiments).join(", ")}`);
  Deno.exit(2);
}
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
