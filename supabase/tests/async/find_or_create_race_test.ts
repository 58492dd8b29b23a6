/** What pgTAP cannot show, having one session: many equal requests of one user, or of the system, at once. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

interface Answer {
  job_id: string;
  outcome: string;
}

async function ask(sql: postgres.ISql, user: string | null, jobType: string): Promise<Answer> {
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

/** The same request among others, in a call for many. */
async function askForMany(
  sql: postgres.Sql,
  user: string | null,
  jobType: string,
): Promise<Answer> {
  const params = [{ channel: 2 }, { channel: 1 }, { channel: 1 }, { channel: 3 }];
  const answers = await sql<Answer[]>`
    select job_id, outcome from public.create_jobs(${
    sql.json(params.map((params) => ({ user_id: user, job_type: jobType, params })))
  }) order by ordinal`;
  assert.equal(answers[2]!.job_id, answers[1]!.job_id, "equal ones of a call are one job");
  assert.equal(answers[2]!.outcome, "joined");
  return answers[1]!;
}

/** How many jobs that are equal in everything are active at once. */
async function equalJobs({ sql, jobTypes }: OwnJobs): Promise<number> {
  const [most] = await sql<{ jobs: number }[]>`
    select coalesce(max(jobs), 0)::int as jobs from (
      select count(*) as jobs from public.job_queue
      where job_type = ${jobTypes[0]!} and completed_at is null and parent_job_id is null
      group by user_id, dedupe_key) as equal`;
  return most!.jobs;
}

for (const owner of ["a user", "the system"] as const) {
  const subject = ({ users }: OwnJobs) => owner === "a user" ? users[0]! : null;

  Deno.test(`two active jobs of ${owner} never share a key, whichever function they come from`, async () => {
    await withOwnJobs({ connections: 24 }, async (own) => {
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(
          Array.from(
            { length: 48 },
            (_, n) => (n % 2 === 0 ? ask : askForMany)(own.sql, subject(own), own.jobTypes[0]!),
          ),
        );

        assertOneJob(answers, { created: 1, joined: 47 });
        assert.equal(await equalJobs(own), 1);
        await own.sql`delete from public.job_queue where job_type = ${own.jobTypes[0]!}`;
      }
    });
  });

  Deno.test(`requests of ${owner} wait for an equal one under way, in one call or many`, async () => {
    const orders = [[ask, askForMany], [askForMany, ask], [askForMany, askForMany]] as const;
    for (const [first, second] of orders) {
      for (const end of ["commit", "rollback"] as const) {
        await withOwnJobs({ connections: 3 }, async (own) => {
          let waiting: Promise<Answer> | undefined;
          const winner = await withOpenTransaction(
            own.sql,
            (held) => first(held, subject(own), own.jobTypes[0]!),
            async (pid) => {
              waiting = second(own.sql, subject(own), own.jobTypes[0]!);
              await until(async () => await own.waitingFor(pid) === 1);
            },
            end,
          );
          const other = await waiting!;

          assert.equal(winner.outcome, "created");
          assert.equal(other.outcome, end === "commit" ? "joined" : "created");
          assert.equal(other.job_id === winner.job_id, end === "commit");
          assert.equal(await equalJobs(own), 1);
        });
      }
    }
  });

  Deno.test(`of many that supersede an active job of ${owner} at once, one is left`, async () => {
    await withOwnJobs({ connections: 16 }, async (own) => {
      const ids = await Promise.all(Array.from({ length: 40 }, async () => {
        const [job] = await own.sql<Answer[]>`
          select job_id from public.find_or_create_job(
            ${subject(own)}, ${own.jobTypes[0]!}, '{"channel": 1}', p_supersede => true)`;
        return job!.job_id;
      }));

      const statuses = await Promise.all(ids.map(async (id) => (await own.job(id)).status));
      assert.equal(statuses.filter((status) => status === "pending").length, 1);
      assert.equal(statuses.filter((status) => status === "cancelled").length, 39);
      assert.equal(await equalJobs(own), 1);
    });
  });

  Deno.test(`retries and equal requests of ${owner} at once leave one active job`, async () => {
    await withOwnJobs({ connections: 8 }, async (own) => {
      for (let round = 0; round < 10; round++) {
        const { job_id } = await ask(own.sql, subject(own), own.jobTypes[0]!);
        await own.sql`select public.cancel_job(${job_id})`;
        const retry = () => own.sql`select public.retry_job(${job_id})`;
        const answers = await Promise.allSettled<unknown>([
          retry(),
          ask(own.sql, subject(own), own.jobTypes[0]!),
          retry(),
          askForMany(own.sql, subject(own), own.jobTypes[0]!),
        ]);

        assert.equal(await equalJobs(own), 1);
        for (const answer of answers) {
          if (answer.status === "fulfilled") continue;
          assert.match(refusal(answer.reason), /JOB_ALREADY_ACTIVE|JOB_NOT_RETRYABLE/);
        }
        await own.sql`delete from public.job_queue where job_type = ${own.jobTypes[0]!}`;
      }
    });
  });
}

Deno.test("system jobs of other keys wait for nobody", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, jobTypes }) => {
    await withOpenTransaction(
      sql,
      (held) => ask(held, null, jobTypes[0]!),
      async () => {
        const other = await sql.begin(async (tx) => {
          // Fails rather than hangs, should it wait.
          await tx`set local lock_timeout = '5s'`;
          const [answer] = await tx<Answer[]>`
            select job_id, outcome
            from public.find_or_create_job(null, ${jobTypes[0]!}, '{"channel": 2}')`;
          return answer!;
        });
        assert.equal(other.outcome, "created");
      },
    );
  });
});

Deno.test("a job that is there is joined at once, while its owner asks for others", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, users, jobTypes }) => {
    const { job_id } = await ask(sql, users[0]!, jobTypes[0]!);
    await withOpenTransaction(
      sql,
      (held) => held`select public.create_job(${users[0]!}, ${jobTypes[0]!}, '{"channel": 2}')`,
      () =>
        sql.begin(async (tx) => {
          await tx`set local lock_timeout = '5s'`;
          assert.deepEqual(await ask(tx, users[0]!, jobTypes[0]!), { job_id, outcome: "joined" });
        }),
    );
  });
});

Deno.test("where it is blind to what others commit, nothing is created and nothing retried", async () => {
  await withOwnJobs({ connections: 2 }, async ({ sql, users, jobTypes }) => {
    const { job_id } = await ask(sql, users[0]!, jobTypes[0]!);
    await sql`select public.cancel_job(${job_id})`;
    const requests = [
      (tx: postgres.Sql) => ask(tx, users[0]!, jobTypes[0]!),
      (tx: postgres.Sql) => ask(tx, null, jobTypes[0]!),
      (tx: postgres.Sql) => askForMany(tx, users[0]!, jobTypes[0]!),
      (tx: postgres.Sql) => askForMany(tx, null, jobTypes[0]!),
      (tx: postgres.Sql) => tx`select public.retry_job(${job_id})`,
    ];
    for (const level of ["repeatable read", "serializable"]) {
      for (const request of requests) {
        const held = await sql.reserve();
        await held.unsafe(`begin isolation level ${level}`);
        const said = await request(held).then(() => "nothing", refusal);
        await held`rollback`;
        held.release();
        assert.equal(said, "PT409 CONFLICT");
      }
    }
    const [stored] = await sql`
      select count(*)::int as jobs from public.job_queue where job_type = ${jobTypes[0]!}`;
    assert.equal(stored!.jobs, 1);
  });
});
