/** What pgTAP cannot show, having one session: many workers that claim at once. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type JobRow, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

async function claim(
  sql: postgres.Sql,
  worker: string,
  batchSize: number,
  jobTypes: readonly string[],
): Promise<JobRow[]> {
  const rows = await sql<{ job: JobRow }[]>`
    select to_jsonb(job) as job
    from public.claim_jobs(${worker}, ${batchSize}, ${sql.array([...jobTypes])}) as job`;
  return rows.map(({ job }) => job);
}

const workers = Array.from({ length: 8 }, (_, n) => `race-${n}`);

Deno.test("claim_jobs() gives each of 2 000 jobs to one of eight workers", async () => {
  await withOwnJobs({ connections: 8, users: 20 }, async ({ sql, jobTypes, enqueue }) => {
    const ids = await enqueue(2_000);

    const claimed = (await Promise.all(workers.map(async (worker, n) => {
      const mine: JobRow[] = [];
      for (let empty = 0; empty < 3;) {
        const batch = await claim(sql, worker, 10 + n * 10, jobTypes);
        assert.ok(batch.every(({ worker_id }) => worker_id === worker), "a worker gets its own");
        mine.push(...batch);
        empty = batch.length === 0 ? empty + 1 : 0;
      }
      return mine;
    }))).flat();

    assert.equal(claimed.length, ids.length, "no job is claimed twice, and none is left");
    assert.deepEqual(claimed.map(({ id }) => id).sort(), ids.toSorted());
    assert.ok(
      claimed.every(({ fencing_token }) => fencing_token === 1),
      "each at its first attempt",
    );
  });
});

Deno.test("claim_jobs() keeps both caps while eight workers claim and settle at once", async () => {
  const caps = { max_concurrency: 12, max_per_user: 3 };
  await withOwnJobs(
    { connections: 10, users: 6, jobTypes: [caps] },
    async ({ sql, jobTypes, enqueue }) => {
      const ids = await enqueue(600);
      let left = ids.length;
      const seen = { jobs: 0, perUser: 0 };

      const work = async (worker: string, n: number) => {
        const done: string[] = [];
        while (left > 0) {
          const batch = await claim(sql, worker, 1 + n, jobTypes);
          const [running] = await sql<{ jobs: number; per_user: number }[]>`
            select coalesce(sum(jobs), 0)::int as jobs, coalesce(max(jobs), 0)::int as per_user
            from (
              select count(*) as jobs from public.job_queue
              where job_type = ${jobTypes[0]!} and status = 'processing' group by user_id
            ) as of_user`;
          seen.jobs = Math.max(seen.jobs, running!.jobs);
          seen.perUser = Math.max(seen.perUser, running!.per_user);
          const outcomes = batch.map(({ id, fencing_token }) => ({ job_id: id, fencing_token }));
          const settled = await sql<{ job_id: string; recorded: boolean }[]>`
            select * from public.complete_jobs(${sql.json(outcomes)})`;
          assert.ok(settled.every(({ recorded }) => recorded), "who claimed a job may settle it");
          left -= settled.length;
          done.push(...settled.map(({ job_id }) => job_id));
        }
        return done;
      };
      const done = (await Promise.all(workers.map(work))).flat();

      assert.ok(seen.jobs <= caps.max_concurrency, `${seen.jobs} ran at once`);
      assert.ok(seen.perUser <= caps.max_per_user, `${seen.perUser} of one user ran at once`);
      assert.ok(seen.jobs > 1, "several ran at once, or nothing was shown");
      assert.deepEqual(done.sort(), ids.toSorted(), "every job was done once");
    },
  );
});

Deno.test("claim_jobs() fills the caps exactly when eight workers meet an idle queue", async () => {
  for (
    const { caps, expected } of [
      { caps: { max_concurrency: 5 }, expected: 5 },
      { caps: { max_per_user: 2 }, expected: 6 },
      { caps: { max_concurrency: 4, max_per_user: 2 }, expected: 4 },
    ]
  ) {
    await withOwnJobs(
      { connections: 8, users: 3, jobTypes: [caps] },
      async ({ sql, jobTypes, enqueue }) => {
        await enqueue(60);
        for (let round = 0; round < 5; round++) {
          await Promise.all(workers.map((worker) => claim(sql, worker, 3, jobTypes)));
        }

        const [running] = await sql`
          select count(*)::int as jobs from public.job_queue
          where job_type = ${jobTypes[0]!} and status = 'processing'`;
        assert.equal(running!.jobs, expected, JSON.stringify(caps));
      },
    );
  }
});

Deno.test("claim_jobs() passes over what a claim under way has taken, and waits for nobody", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, jobTypes, enqueue }) => {
    const ids = await enqueue(10);
    let second: JobRow[] = [];
    const first = await withOpenTransaction(
      sql,
      (held) => claim(held, "one", 6, jobTypes),
      () =>
        withOpenTransaction(sql, async (held) => {
          // Fails rather than hangs, should it wait.
          await held`set local lock_timeout = '5s'`;
          second = await claim(held, "two", 10, jobTypes);
        }, () => Promise.resolve()),
    );

    assert.deepEqual([first.length, second.length], [6, 4]);
    assert.deepEqual([...first, ...second].map(({ id }) => id).sort(), ids.toSorted());
  });
});

Deno.test("claim_jobs() counts what a claim under way has taken against both caps", async () => {
  for (const caps of [{ max_concurrency: 5 }, { max_per_user: 5 }]) {
    await withOwnJobs({ connections: 3, jobTypes: [caps] }, async ({ sql, jobTypes, enqueue }) => {
      await enqueue(20);
      let meanwhile: JobRow[] = [];
      const first = await withOpenTransaction(
        sql,
        (held) => claim(held, "one", 3, jobTypes),
        async () => {
          meanwhile = await claim(sql, "two", 10, jobTypes);
        },
      );
      const later = await claim(sql, "two", 10, jobTypes);

      assert.equal(first.length, 3);
      assert.equal(meanwhile.length + later.length, 2, JSON.stringify(caps));
    });
  }
});
