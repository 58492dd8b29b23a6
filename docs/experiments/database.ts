/**
 * The experiments behind DATABASE_OPTIMIZATION.md, on a database of their own on a running stack:
 *
 *   deno run -A docs/experiments/database.ts hot
 *
 * They count blocks and bytes rather than milliseconds: those are the same on a busy machine.
 */
import postgres from "postgres";
import { type Bench, type Lease, withBench } from "./bench.ts";

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
await withBench(experiment);
