/** Pauses and the doorbell among many connections. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

const pause = (sql: postgres.Sql, user: string) =>
  sql`select * from public.pause_user_jobs(${user})`;
const resume = (sql: postgres.Sql, user: string) =>
  sql`select * from public.resume_user_jobs(${user})`;

async function claim({ jobTypes }: OwnJobs, sql: postgres.Sql, batchSize = 100): Promise<number> {
  const rows = await sql`
    select from public.claim_jobs('pause', ${batchSize}, ${sql.array([...jobTypes])})`;
  return rows.length;
}

async function heldOf({ sql, users }: OwnJobs): Promise<number> {
  const [row] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs from public.job_queue
    where user_id = any(${[...users]}::uuid[]) and held_by is not null`;
  return row!.jobs;
}

Deno.test("resume_user_jobs() waits for a claim that puts jobs aside, and releases those, too", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    const { sql, users, enqueue, waitingFor } = own;
    const [user] = users;
    await pause(sql, user!);
    await enqueue(30);
    let resumed: Promise<Iterable<unknown>> | undefined;
    await withOpenTransaction(
      sql,
      async (held) => assert.equal(await claim(own, held), 0, "a paused user starts nothing"),
      async (pid) => {
        resumed = resume(sql, user!).execute();
        await until(async () => await waitingFor(pid) > 0);
      },
    );
    assert.deepEqual([...await resumed!], [{ user_id: user, outcome: "resumed", released: 30 }]);
    assert.equal(await heldOf(own), 0, "nothing is left behind");
    assert.equal(await claim(own, sql), 30);
  });
});

Deno.test("a user who is being resumed is put aside by no claim, and no claim waits", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql, users, enqueue } = own;
    await pause(sql, users[0]!);
    await enqueue(30);
    await withOpenTransaction(
      sql,
      (held) => resume(held, users[0]!),
      () =>
        withOpenTransaction(sql, async (held) => {
          await held`set local lock_timeout = '5s'`;
          assert.equal(await claim(own, held), 0, "the resumption is not yet committed");
          // Nor by the tick, which looks at the same moment.
          await held`
            select private.put_blocked_jobs_aside(
              array(select open_type from private.open_job_types(1) as open_type))`;
        }, () => Promise.resolve()),
    );
    assert.equal(await heldOf(own), 0);
    assert.equal(await claim(own, sql), 30);
  });
});

Deno.test("whatever pauses, resumptions and claims meet, a user who is resumed last gets every job done", async () => {
  await withOwnJobs({ connections: 10, users: 3 }, async (own) => {
    const { sql, users, enqueue, jobTypes } = own;
    await enqueue(300);
    const storm = async (n: number) => {
      for (let round = 0; round < 12; round++) {
        const user = users[(n + round) % users.length]!;
        if (n % 4 === 0) await pause(sql, user);
        else if (n % 4 === 1) await resume(sql, user);
        else await claim(own, sql, 5);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, n) => storm(n)));
    for (const user of users) await resume(sql, user);

    assert.equal(await heldOf(own), 0, "nobody is held");
    while (await claim(own, sql) > 0);
    const [left] = await sql`
      select count(*)::int as jobs from public.job_queue
      where job_type = any(${[...jobTypes]}) and status = 'pending'`;
    assert.equal(left!.jobs, 0);
  });
});

Deno.test("get_queue_health() tells how long somebody has kept a transaction open", async () => {
  await withOwnJobs({ connections: 2 }, async ({ sql }) => {
    await withOpenTransaction(
      sql,
      (held) => held`select`,
      async () => {
        const age = async () => {
          const [row] = await sql<{ seconds: number }[]>`
            select (public.get_queue_health() ->> 'oldest_transaction_seconds')::int as seconds`;
          return row!.seconds;
        };
        await until(async () => await age() >= 2);
      },
    );
  });
});

Deno.test("the doorbell rings once a second, and no open transaction keeps it from the next second", async () => {
  await withOwnJobs({ connections: 12 }, async ({ sql }) => {
    const isDue = async (held = sql) => {
      const [row] = await held<{ due: boolean }[]>`select private.doorbell_is_due() as due`;
      return row!.due;
    };
    /** Comes a second later, and again when just then somebody else, or this machine, was quicker. */
    const nextSecond = (task: () => Promise<boolean>) =>
      until(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        return await task();
      });
    await nextSecond(async () => {
      const since = performance.now();
      const answers = await Promise.all(Array.from({ length: 12 }, () => isDue()));
      const rung = answers.filter(Boolean).length;
      if (performance.now() - since < 900) assert.ok(rung <= 1, `${rung} of twelve`);
      return rung === 1;
    });

    await nextSecond(async () => {
      const since = performance.now();
      let isFirst = false;
      await withOpenTransaction(
        sql,
        async (held) => isFirst = await isDue(held),
        async () => {
          if (!isFirst) return;
          const isTwice = await isDue();
          if (performance.now() - since < 900) assert.ok(!isTwice, "not twice in a second");
          await nextSecond(() => isDue());
        },
      );
      return isFirst;
    });
  });
});
