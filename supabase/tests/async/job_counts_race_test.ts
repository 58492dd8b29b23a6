/** Counters that nobody locks: what they say must be what is there, at every moment. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { type JobRow, type OwnJobs, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

const stack = await readStack();

/** Where counters and rows differ, both seen in one snapshot. */
async function differences({ sql, jobTypes }: OwnJobs): Promise<readonly unknown[]> {
  return [
    ...await sql`
    select job_type, status, counted.jobs as counted, found.jobs as found
    from (
      select * from private.count_all_jobs() where job_type = any(${[...jobTypes]})
    ) as counted
    full join (
      select job_type, status, count(*) as jobs from public.job_queue
      where job_type = any(${[...jobTypes]}) group by job_type, status
    ) as found using (job_type, status)
    where counted.jobs is distinct from found.jobs`,
  ];
}

function pick<T>(choices: readonly T[]): T {
  return choices[Math.floor(Math.random() * choices.length)]!;
}

/** One random thing that happens to jobs, over the connection given. */
async function happen(held: postgres.Sql, { jobTypes, users }: OwnJobs): Promise<void> {
  const count = pick([1, 3, 40]);
  const claimed = async (): Promise<JobRow[]> =>
    (await held<{ job: JobRow }[]>`
      select to_jsonb(job) as job
      from public.claim_jobs('churn', ${count}, ${held.array([...jobTypes])}) as job`)
      .map(({ job }) => job);
  const leases = (jobs: JobRow[]) =>
    held.json(jobs.map(({ id, fencing_token }) => ({ job_id: id, fencing_token })));
  await pick([
    () =>
      held`
        insert into public.job_queue (user_id, job_type, turn)
        select ${pick(users)}, ${pick(jobTypes)}, n from generate_series(1, ${count}::int) as n`,
    claimed,
    async () => await held`select from public.complete_jobs(${leases(await claimed())})`,
    async () => await held`select from public.fail_jobs(${leases(await claimed())})`,
    async () => await held`select from public.yield_jobs(${leases(await claimed())})`,
    async () => {
      const [job] = await claimed();
      if (job) await held`select public.cancel_job(${job.id})`;
    },
    () =>
      held`
        delete from public.job_queue where id in (
          select id from public.job_queue
          where job_type = any(${held.array([...jobTypes])}) and completed_at is not null
          order by id limit ${count} for update skip locked)`,
  ])();
}

/** Several things in one transaction, which then commits, rolls back, or loses its connection. */
async function live(own: OwnJobs): Promise<"commit" | "rollback" | "lost"> {
  const end = pick(["commit", "commit", "rollback", "lost"] as const);
  if (end !== "lost") {
    await withOpenTransaction(own.sql, (held) => happen(held, own), () => Promise.resolve(), end);
    return end;
  }
  const lost = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  try {
    const held = await lost.reserve();
    await held`begin`;
    await happen(held, own);
    const [session] = await held<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await own.sql`select pg_terminate_backend(${session!.pid})`;
  } finally {
    await lost.end({ timeout: 0 });
  }
  return end;
}

Deno.test("job counters equal the rows at every moment of a random life, rolled up meanwhile", async () => {
  await withOwnJobs({ connections: 8, users: 3, jobTypes: [{}, {}] }, async (own) => {
    const ends = { commit: 0, rollback: 0, lost: 0 };
    let looks = 0;
    let rolledUp = 0;
    const start = Date.now();
    let failure: unknown;
    // At least two seconds, and as long as it takes for everything to have happened often.
    const goesOn = () =>
      failure === undefined && Date.now() - start < 60_000 &&
      (Date.now() - start < 2_000 || looks <= 40 || rolledUp <= 50 ||
        Math.min(...Object.values(ends)) <= 5);
    // Whoever fails stops all: nobody may go on while the test's jobs are being deleted.
    const repeat = async (step: () => Promise<void>) => {
      while (goesOn()) {
        await step().catch((error: unknown) => failure ??= error);
      }
    };
    await Promise.all([
      ...Array.from({ length: 5 }, () => repeat(async () => void (ends[await live(own)] += 1))),
      repeat(async () => {
        const [{ jobs } = { jobs: 0 }] = await own.sql<{ jobs: number }[]>`
          select private.roll_up_job_counts(${pick([1, 7, 1000])}) as jobs`;
        rolledUp += jobs;
      }),
      repeat(async () => {
        assert.deepEqual(await differences(own), []);
        looks += 1;
      }),
    ]);
    if (failure !== undefined) throw failure;

    await own.sql`select private.roll_up_job_counts()`;
    assert.deepEqual(await differences(own), []);
    assert.ok(rolledUp > 50 && looks > 40, "there was something to see");
    assert.ok(Math.min(...Object.values(ends)) > 5, `every end happened: ${JSON.stringify(ends)}`);
  });
});

Deno.test("a roll-up waits for no writer, and takes later what it could not see", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    const { sql, enqueue } = own;
    await withOpenTransaction(
      sql,
      (held) =>
        held`insert into public.job_queue (user_id, job_type) values (${own.users[0]!}, ${own
          .jobTypes[0]!})`,
      async () => {
        await enqueue(2);
        // Fails rather than hangs, should it wait.
        await sql`select set_config('lock_timeout', '5s', false), private.roll_up_job_counts()`;
        assert.deepEqual(await differences(own), []);
      },
    );
    assert.deepEqual(await differences(own), []);
    await sql`select private.roll_up_job_counts()`;
    assert.deepEqual(await differences(own), []);
    const [counted] = await sql<{ jobs: number }[]>`
      select jobs::int from private.job_count where job_type = ${own.jobTypes[0]!}`;
    assert.equal(counted!.jobs, 3);
  });
});
