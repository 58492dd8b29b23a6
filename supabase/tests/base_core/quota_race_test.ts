/** Quotas under real concurrency: whoever counts, resets or gives back at once, no unit is lost or made. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { until, waitingFor, withOpenTransaction } from "../async/own_jobs.ts";

const stack = await readStack();

async function withUsers(
  count: number,
  connections: number,
  run: (sql: postgres.Sql, users: string[]) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: connections, onnotice: () => {} });
  const users = Array.from({ length: count }, () => crypto.randomUUID());
  try {
    await sql`
      insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
    // Sockets are opened before the race, not by it.
    await Promise.all(Array.from({ length: connections }, () => sql`select pg_sleep(0.05)`));
    await run(sql, users);
  } finally {
    await sql`delete from private.job_quota where user_id = any(${users})`;
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
}

const times = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

async function consume(sql: postgres.Sql, user: string): Promise<boolean> {
  const [row] = await sql`select public.consume_quota(${user}, 'syncs') as taken`;
  return row!.taken;
}

async function charge(sql: postgres.Sql, jobs: string[], users: string[]): Promise<boolean> {
  try {
    await sql`
      select private.charge_job_quotas(${jobs}, ${users}, ${users.map(() => "syncs")})`;
    return true;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.hint === "QUOTA_EXCEEDED") return false;
    throw error;
  }
}

async function used(sql: postgres.Sql, user: string): Promise<number> {
  const [row] = await sql`select syncs_used from public.subscription where user_id = ${user}`;
  return row!.syncs_used;
}

Deno.test("consume_quota() gives the last unit to one of fifty at once", async () => {
  await withUsers(1, 50, async (sql, [user]) => {
    await sql`update public.subscription set syncs_used = 9 where user_id = ${user!}`;

    const answers = await times(50, () => consume(sql, user!));

    assert.equal(answers.filter((taken) => taken).length, 1);
    assert.equal(await used(sql, user!), 10);
  });
});

Deno.test("consume_quota() serves whoever waits while the tier grows", async () => {
  await withUsers(1, 12, async (sql, [user]) => {
    await sql`update public.subscription set syncs_used = 9 where user_id = ${user!}`;
    let answers: Promise<boolean[]> | undefined;
    await withOpenTransaction(
      sql,
      (held) => held`update public.subscription set tier = 'basic' where user_id = ${user!}`,
      async (pid) => {
        answers = times(10, () => consume(sql, user!));
        await until(async () => await waitingFor(sql, pid) === 10);
      },
    );
    assert.deepEqual(await answers, Array(10).fill(true));
    assert.equal(await used(sql, user!), 19);
  });
});

Deno.test("resets and consumes at once lose nothing and count nothing twice", async () => {
  await withUsers(8, 16, async (sql, users) => {
    for (const round of [1, 2, 3]) {
      await sql`delete from public.quota_usage_history where user_id = any(${users})`;
      await sql`
        update public.subscription
        set cycle_start = now() - interval '1 month', syncs_used = 4,
          cycle_end = clock_timestamp() + interval '150 milliseconds'
        where user_id = any(${users})`;

      const work = users.flatMap((user) =>
        Array.from({ length: 8 }, async (_, n) => {
          await new Promise((resolve) => setTimeout(resolve, 40 * n));
          return await consume(sql, user);
        })
      );
      const resets = times(8, async (n) => {
        await new Promise((resolve) => setTimeout(resolve, 40 * n));
        await sql`select private.reset_quotas()`;
      });
      const taken = (await Promise.all(work)).filter((answer) => answer).length;
      await resets;

      const [sum] = await sql`
        select count(*)::int as cycles, sum(history.syncs_used + current.syncs_used)::int as used,
          max(greatest(history.syncs_used, current.syncs_used))::int as most
        from public.quota_usage_history as history
        join public.subscription as current using (user_id)
        where user_id = any(${users}) and current.cycle_start = history.cycle_end`;
      assert.deepEqual({ ...sum, most: sum!.most <= 10 }, {
        cycles: 8,
        used: 4 * 8 + taken,
        most: true,
      }, `round ${round}`);
    }
  });
});

Deno.test("charge_job_quotas() lets as many of fifty jobs in as there are units", async () => {
  await withUsers(1, 25, async (sql, [user]) => {
    const jobs = Array.from({ length: 50 }, () => crypto.randomUUID());

    const answers = await times(50, (n) => charge(sql, [jobs[n]!], [user!]));

    assert.equal(answers.filter((charged) => charged).length, 10);
    assert.equal(await used(sql, user!), 10);

    const returned = await times(20, async (n) => {
      const [row] = await sql`
        select private.give_back_job_quotas(${n % 2 ? [jobs[n]!] : jobs}) as units`;
      return row!.units as number;
    });
    assert.equal(returned.reduce((sum, units) => sum + units, 0), 10, "each came back once");
    assert.equal(await used(sql, user!), 0);
  });
});

Deno.test("charges and returns of several users at once wait for each other, never in a circle", async () => {
  await withUsers(4, 16, async (sql, users) => {
    const rounds = await times(40, async (n) => {
      const turned = [...users.slice(n % 4), ...users.slice(0, n % 4)];
      const jobs = turned.map(() => crypto.randomUUID());
      const charged = await charge(sql, jobs, turned);
      await sql`select private.give_back_job_quotas(${jobs})`;
      return charged;
    });

    assert.ok(rounds.some((charged) => charged));
    assert.deepEqual(await Promise.all(users.map((user) => used(sql, user))), [0, 0, 0, 0]);
  });
});
