/** What pgTAP cannot show, having one session: many equal requests of one user at once. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

interface Answer {
  job_id: string;
  outcome: string;
}

async function ask(sql: postgres.Sql, user: string, jobType: string): Promise<Answer> {
  const [answer] = await sql<Answer[]>`
    select job_id, outcome from public.find_or_create_job(${user}, ${jobType}, '{"channel": 1}')`;
  return answer!;
}

function assertOneJob(answers: Answer[], outcomes: Record<string, number>): void {
  assert.equal(new Set(answers.map(({ job_id }) => job_id)).size, 1, "everybody has the same job");
  const counted = Map.groupBy(answers, ({ outcome }) => outcome);
  assert.deepEqual(
    Object.fromEntries(Array.from(counted, ([outcome, { length }]) => [outcome, length])),
    outcomes,
  );
}

Deno.test("find_or_create_job() creates one job for a hundred simultaneous requests", async () => {
  await withOwnJobs({ connections: 32 }, async ({ sql, users, jobTypes }) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ask(sql, users[0]!, jobTypes[0]!)),
    );

    assertOneJob(answers, { created: 1, joined: 99 });
    const [stored] = await sql`
      select count(*)::int as jobs from public.job_queue where user_id = ${users[0]!}`;
    assert.equal(stored!.jobs, 1);
  });
});

Deno.test("find_or_create_job() keeps the requests of two users apart", async () => {
  await withOwnJobs({ connections: 16, users: 2 }, async ({ sql, users, jobTypes }) => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask(sql, users[n % 2]!, jobTypes[0]!)),
    );

    for (const n of [0, 1]) {
      assertOneJob(answers.filter((_, index) => index % 2 === n), { created: 1, joined: 19 });
    }
    assert.notEqual(answers[0]!.job_id, answers[1]!.job_id);
  });
});

Deno.test("find_or_create_job() creates exactly one job when the first of many rolls back", async () => {
  await withOwnJobs({ connections: 22 }, async ({ sql, users, jobTypes, waitingFor }) => {
    let waiting: Promise<Answer>[] = [];
    const abandoned = await withOpenTransaction(
      sql,
      (winner) => ask(winner, users[0]!, jobTypes[0]!),
      async (pid) => {
        waiting = Array.from({ length: 20 }, () => ask(sql, users[0]!, jobTypes[0]!));
        await until(async () => await waitingFor(pid) === 20);
      },
      "rollback",
    );
    const answers = await Promise.all(waiting);

    assert.equal(abandoned.outcome, "created");
    assertOneJob(answers, { created: 1, joined: 19 });
    assert.notEqual(answers[0]!.job_id, abandoned.job_id);
    const stored = await sql<{ id: string }[]>`
      select id from public.job_queue where user_id = ${users[0]!}`;
    assert.deepEqual(stored.map(({ id }) => id), [answers[0]!.job_id]);
  });
});
