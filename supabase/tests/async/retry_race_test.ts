/** What pgTAP cannot show, having one session: retries, requests and newest-wins that meet. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { cancel } from "./batches.ts";
import { refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

interface Answer {
  job_id: string;
  outcome: string;
}

async function ask(sql: postgres.Sql, user: string | null, type: string, supersede = false) {
  const [answer] = await sql<Answer[]>`
    select job_id, outcome
    from public.find_or_create_job(${user}, ${type}, '{"channel": 1}', p_supersede => ${supersede})`;
  return answer!;
}

/** "retried", or the code of the refusal. */
async function retry(sql: postgres.Sql, id: string): Promise<string> {
  try {
    await sql`select public.retry_job(${id})`;
    return "retried";
  } catch (error) {
    return refusal(error).split(" ")[1]!;
  }
}

const activeOf = async (sql: postgres.Sql, type: string) => {
  const rows = await sql<{ id: string }[]>`
    select id from public.job_queue where job_type = ${type} and status in ('pending', 'processing')`;
  return rows.map(({ id }) => id);
};

Deno.test("a job is retried once, and never beside an equal one, whoever asks for what", async () => {
  const won = new Set<string>();
  for (const isSystem of [false, true]) {
    await withOwnJobs({ connections: 16 }, async ({ sql, users, jobTypes: [type] }) => {
      const user = isSystem ? null : users[0]!;
      for (let round = 0; round < 15; round++) {
        const { job_id } = await ask(sql, user, type!);
        await cancel(sql, job_id);

        const [retries, answers] = await Promise.all([
          Promise.all(Array.from({ length: 6 }, () => retry(sql, job_id))),
          Promise.all(Array.from({ length: 6 }, () => ask(sql, user, type!))),
        ]);

        const active = await activeOf(sql, type!);
        assert.equal(active.length, 1, "one of them is active");
        assert.ok(answers.every((answer) => answer.job_id === active[0]), "and everybody has it");
        const retried = retries.filter((outcome) => outcome === "retried").length;
        const created = answers.filter(({ outcome }) => outcome === "created").length;
        assert.equal(retried + created, 1, `${retries} ${answers.map(({ outcome }) => outcome)}`);
        const others = retried ? "JOB_NOT_RETRYABLE" : "JOB_ALREADY_ACTIVE";
        assert.ok(retries.every((outcome) => outcome === "retried" || outcome === others));
        won.add(retried ? "retry" : "request");
        await cancel(sql, active[0]!);
      }
    });
  }
  assert.equal(won.size, 2, "both won at times, or nothing was shown");
});

Deno.test("retry_job() waits for a request under way, which may take the last place or not", async () => {
  for (const end of ["commit", "rollback"] as const) {
    await withOwnJobs({ connections: 4 }, async ({ sql, users, jobTypes: [type], waitingFor }) => {
      const create = (by: postgres.Sql) =>
        by<{ id: string }[]>`
          select public.create_job(${users[
          0
        ]!}, ${type!}, jsonb_build_object('n', gen_random_uuid())) as id`;
      const [old] = await create(sql);
      await cancel(sql, old!.id);
      const [setting] =
        await sql`select max_active_jobs_per_user as active from private.job_setting`;
      for (let n = 1; n < setting!.active; n++) await create(sql);

      let told: Promise<string> | undefined;
      await withOpenTransaction(sql, create, async (pid) => {
        told = retry(sql, old!.id);
        await until(async () => await waitingFor(pid) === 1);
      }, end);

      assert.equal(await told, end === "commit" ? "JOB_LIMIT_REACHED" : "retried");
    });
  }
});

Deno.test("a hundred simultaneous requests that supersede each other leave one job", async () => {
  for (const isSystem of [false, true]) {
    await withOwnJobs({ connections: 32 }, async ({ sql, users, jobTypes: [type] }) => {
      const user = isSystem ? null : users[0]!;
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => ask(sql, user, type!, true)),
      );

      assert.ok(answers.every(({ outcome }) => outcome === "created"));
      assert.equal(new Set(answers.map(({ job_id }) => job_id)).size, 100, "each has its own");
      assert.equal((await activeOf(sql, type!)).length, 1);
      const [ended] = await sql`
        select count(*)::int as jobs from public.job_queue
        where job_type = ${type!} and status = 'cancelled' and error_code = 'SUPERSEDED'`;
      assert.equal(ended!.jobs, 99, "the others made way");
    });
  }
});

Deno.test("create_jobs() creates each job once, however many calls ask for the same", async () => {
  await withOwnJobs({ connections: 12, users: 5 }, async ({ sql, users, jobTypes: [type] }) => {
    const asked = Array.from({ length: 60 }, (_, n) => ({
      // Every sixth is the system's, and meets in the index alone.
      ...(n % 6 ? { user_id: users[n % 5]! } : {}),
      job_type: type!,
      params: { n },
    }));
    const shuffled = () => [...asked].sort(() => Math.random() - 0.5);

    const calls = await Promise.all(
      Array.from(
        { length: 12 },
        () =>
          sql<Answer[]>`select job_id, outcome from public.create_jobs(${sql.json(shuffled())})`,
      ),
    );

    const answers = calls.flat();
    const count = (outcome: string) =>
      answers.filter((answer) => answer.outcome === outcome).length;
    const active = await activeOf(sql, type!);
    assert.deepEqual([count("created"), count("limited"), active.length], [60, 0, 60]);
    assert.deepEqual(new Set(answers.map(({ job_id }) => job_id)), new Set(active));
  });
});

Deno.test("retry_failed_jobs() retries each job once, however many calls and requests for the same meet", async () => {
  await withOwnJobs({ connections: 12, users: 5 }, async ({ sql, users, jobTypes: [type] }) => {
    // Every sixth is the system's.
    const asked = Array.from({ length: 60 }, (_, n) => ({
      ...(n % 6 ? { user_id: users[n % 5]! } : {}),
      job_type: type!,
      params: { n },
    }));
    for (let round = 0; round < 5; round++) {
      await sql`select count(*) from public.create_jobs(${sql.json(asked)})`;
      await sql`
        update public.job_queue
        set status = 'failed', error_code = 'HANDLER_ERROR', completed_at = now(), turn = null
        where job_type = ${type!} and status = 'pending'`;

      const calls = await Promise.all([
        ...Array.from(
          { length: 5 },
          () => sql<Answer[]>`select job_id, outcome from public.retry_failed_jobs(${type!})`,
        ),
        ...Array.from(
          { length: 5 },
          () => sql<Answer[]>`select job_id, outcome from public.create_jobs(${sql.json(asked)})`,
        ),
      ]);

      const begun = calls.flat().filter(({ outcome }) => ["retried", "created"].includes(outcome));
      const active = await activeOf(sql, type!);
      assert.equal(active.length, 60, "of equal jobs one is active");
      assert.deepEqual(begun.map(({ job_id }) => job_id).sort(), active.sort());
    }
  });
});

Deno.test("retry_failed_jobs() waits for nobody's requests while it keeps users from going", async () => {
  await withOwnJobs({ connections: 4 }, async ({ sql, users, jobTypes: [type], waitingFor }) => {
    const failed = await sql<{ id: string }[]>`
      insert into public.job_queue (user_id, job_type, status, error_code, completed_at)
      select user_id, ${type!}, 'failed', 'HANDLER_ERROR', now()
      from unnest(${[null, users[0]!]}::uuid[]) as user_id
      returning id`;
    let deletion!: postgres.Sql;
    let retrying: Promise<PromiseSettledResult<Answer[]>[]> | undefined;

    // As where several users are deleted: for the connections of one a job is created, before it is another's turn.
    await withOpenTransaction(
      sql,
      async (held) => {
        deletion = held;
        await ask(held, null, type!);
      },
      async (pid) => {
        retrying = Promise.allSettled([
          sql<Answer[]>`select job_id, outcome from public.retry_failed_jobs(${type!})`,
        ]);
        await until(async () => await waitingFor(pid) === 1);
        await deletion`delete from auth.users where id = ${users[0]!}`;
      },
    );

    const [retried] = await retrying!;
    assert.equal(retried!.status, "fulfilled");
    assert.deepEqual([...(retried as PromiseFulfilledResult<Answer[]>).value], [
      { job_id: failed[0]!.id, outcome: "retried" },
    ]);
  });
});
