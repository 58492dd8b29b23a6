/** What pgTAP cannot show, having one session: one user who asks for more than is left, all at once. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

/** Every request asks for something else: equal ones would already meet in the index. */
const request = (sql: postgres.Sql, user: string, jobType: string) =>
  sql`
    select public.create_job(
      ${user}, ${jobType}, jsonb_build_object('n', gen_random_uuid())) as id`;

Deno.test("create_job() lets a user have ten active jobs, however many requests meet", async () => {
  await withOwnJobs({ connections: 20, users: 2 }, async ({ sql, users, jobTypes }) => {
    const create = (user: string) => request(sql, user, jobTypes[0]!);
    const [setting] = await sql`select max_active_jobs_per_user as active from private.job_setting`;
    const left = setting!.active - 2;
    await create(users[0]!);
    await create(users[0]!);

    const [answers, other] = await Promise.all([
      Promise.allSettled(Array.from({ length: 40 }, () => create(users[0]!))),
      create(users[1]!),
    ]);

    const refused = answers.filter((answer) => answer.status === "rejected");
    assert.equal(answers.length - refused.length, left, "the others are created");
    assert.deepEqual(
      refused.map(({ reason }) => refusal(reason)),
      Array(40 - left).fill("PT429 JOB_LIMIT_REACHED"),
    );
    assert.equal(other.length, 1, "a limit is one user's own");
    const [stored] = await sql`
      select count(*)::int as jobs from public.job_queue where user_id = ${users[0]!}`;
    assert.equal(stored!.jobs, left + 2);
  });
});

Deno.test("create_job() waits for a request under way, which may take the last place or not", async () => {
  for (const end of ["commit", "rollback"] as const) {
    await withOwnJobs({ connections: 4 }, async ({ sql, users, jobTypes, waitingFor }) => {
      const create = (by: typeof sql) => request(by, users[0]!, jobTypes[0]!);
      const [setting] =
        await sql`select max_active_jobs_per_user as active from private.job_setting`;
      for (let n = 1; n < setting!.active; n++) await create(sql);

      let other: Promise<PromiseSettledResult<unknown>[]> | undefined;
      await withOpenTransaction(sql, create, async (pid) => {
        other = Promise.allSettled([create(sql)]);
        await until(async () => await waitingFor(pid) === 1);
      }, end);
      const [told] = (await other)!;

      assert.equal(told!.status, end === "commit" ? "rejected" : "fulfilled");
      const [stored] = await sql`
        select count(*)::int as jobs from public.job_queue where user_id = ${users[0]!}`;
      assert.equal(stored!.jobs, setting!.active);
    });
  }
});

Deno.test("a user has ten active jobs and no more, however they are being started and ended", async () => {
  const jobTypes = [{ lease: "1 hour", max_runtime: "2 days" }];
  await withOwnJobs({ connections: 9, jobTypes }, async ({ sql, users, jobTypes: [type] }) => {
    const [setting] = await sql`select max_active_jobs_per_user as active from private.job_setting`;
    const most = setting!.active;
    let isOver = false;
    const seen: number[] = [];

    const creating = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 60; n++) {
        await request(sql, users[0]!, type!).catch((error) =>
          assert.equal(refusal(error), "PT429 JOB_LIMIT_REACHED")
        );
      }
    });
    // Of three, two end unseen and every third has its start written first.
    const working = [2, 3, 1].map(async (batch, place) => {
      for (let n = 0; !isOver; n++) {
        const jobs = await sql<{ id: string; token: string }[]>`
          select id, fencing_token as token
          from private.take_jobs(${`worker ${place}`}, ${batch}, ${[type!]}, true)`;
        if (n % 3 === 0) {
          await sql`select public.update_job_progress(${jobs[0]?.id ?? null}, 10, 'on', ${
            jobs[0]?.token ?? null
          })`;
        }
        await sql`
          select private.complete_by_id(${jobs.map(({ id }) => id)}::uuid[],
            ${jobs.map(({ token }) => token)}::bigint[])`;
      }
    });
    const watching = (async () => {
      while (!isOver) {
        const [now] = await sql`
          select count(*)::int as jobs from public.job_queue
          where user_id = ${users[0]!} and completed_at is null`;
        seen.push(now!.jobs);
      }
    })();
    await Promise.all(creating);
    isOver = true;
    await Promise.all([...working, watching]);

    assert.ok(Math.max(...seen) <= most, `${Math.max(...seen)} at once`);
    const [last] = await sql`
      select private.count_active_jobs(${users[0]!}) as counted, count(*)::int as jobs
      from public.job_queue where user_id = ${users[0]!} and completed_at is null`;
    assert.equal(last!.counted, last!.jobs, "none is forgotten, and none left over");
  });
});
