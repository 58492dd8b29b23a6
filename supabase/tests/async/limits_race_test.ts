/** Rates, caps and crowds, kept by many connections at once. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

const workers = Array.from({ length: 8 }, (_, n) => `limit-${n}`);

async function claim(
  sql: postgres.Sql,
  worker: string,
  batchSize: number,
  types: readonly string[],
) {
  return await sql<{ job_id: string; fencing_token: number; user_id: string }[]>`
    select id as job_id, fencing_token::int, user_id
    from public.claim_jobs(${worker}, ${batchSize}, ${sql.array([...types])})`;
}

async function start(sql: postgres.Sql, id: string): Promise<boolean> {
  const [answer] = await sql<{ started: boolean }[]>`
    select public.start_job(${id}, 'classic') as started`;
  return answer!.started;
}

const countOf = async ({ sql, jobTypes }: OwnJobs, status: string): Promise<number> => {
  const [row] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs from public.job_queue
    where job_type = ${jobTypes[0]!} and status = ${status}`;
  return row!.jobs;
};

Deno.test("a rate is kept exactly while eight workers claim and start at once", async () => {
  // What refills within the test is far less than one start.
  const rate = { rate_limit: 30, rate_window: "1 day" };
  await withOwnJobs({ connections: 10, users: 5, jobTypes: [rate] }, async (own) => {
    const { sql, jobTypes, enqueue } = own;
    const ids = await enqueue(200);
    for (let round = 0; round < 15; round++) {
      await Promise.all([
        ...workers.map((worker) => claim(sql, worker, 3, jobTypes)),
        start(sql, ids.at(-1 - 2 * round)!),
        start(sql, ids.at(-2 - 2 * round)!),
      ]);
    }
    assert.equal(await countOf(own, "processing"), 30);
  });
});

Deno.test("a claim that fails gives its starts back", async () => {
  const rate = { rate_limit: 10, rate_window: "1 day" };
  await withOwnJobs({ connections: 2, jobTypes: [rate] }, async ({ sql, jobTypes, enqueue }) => {
    await enqueue(20);
    const lost = await withOpenTransaction(
      sql,
      (held) => claim(held, "killed", 10, jobTypes),
      () => Promise.resolve(),
      "rollback",
    );
    assert.equal(lost.length, 10);
    assert.equal((await claim(sql, "next", 20, jobTypes)).length, 10);
  });
});

Deno.test("caps are kept exactly while claims and classic starts meet", async () => {
  for (const caps of [{ max_concurrency: 6 }, { max_per_user: 2 }]) {
    await withOwnJobs({ connections: 10, users: 3, jobTypes: [caps] }, async (own) => {
      const ids = await own.enqueue(90);
      for (let round = 0; round < 6; round++) {
        await Promise.all(
          workers.map((worker, n) =>
            n % 2 === 0
              ? claim(own.sql, worker, 2, own.jobTypes)
              : start(own.sql, ids[round * 8 + n]!)
          ),
        );
      }
      assert.equal(await countOf(own, "processing"), 6, JSON.stringify(caps));
    });
  }
});

Deno.test("a type's first limit counts what a claim under way is starting", async () => {
  await withOwnJobs({ connections: 4 }, async ({ sql, jobTypes, enqueue, waitingFor }) => {
    await enqueue(10);
    let limited: Promise<unknown> | undefined;
    await withOpenTransaction(
      sql,
      (held) => claim(held, "first", 3, jobTypes),
      async (pid) => {
        limited = sql`
          update public.job_type set max_concurrency = 4 where name = ${jobTypes[0]!}`.execute();
        await until(async () => await waitingFor(pid) === 1);
      },
    );
    await limited;
    assert.equal((await claim(sql, "second", 10, jobTypes)).length, 1);
  });
});

Deno.test("a type's first limit gives up where a transaction stays open, and stops no claim for long", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    const { sql, jobTypes: [type] } = own;
    await own.enqueue(20);
    await withOpenTransaction(
      sql,
      (held) => held`select from private.take_jobs('open', 5, ${[type!]})`,
      async () => {
        const limit = sql`update public.job_type set max_concurrency = 1 where name = ${type!}`;
        await assert.rejects(limit, (error) => refusal(error).startsWith("55P03"));
        const next = await sql`select from private.take_jobs('next', 5, ${[type!]})`;
        assert.equal(next.length, 5);
      },
    );
    await sql`update public.job_type set max_concurrency = 1 where name = ${type!}`;
    await assertSideTablesAreRight(sql, "when nothing is open any more");
  });
});

Deno.test("a job that ends while its type gets its first limit takes no slot for longer than a tick", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql, jobTypes, enqueue } = own;
    const [ending, next] = await enqueue(2);
    const [claimed] = await claim(sql, "first", 1, jobTypes);
    assert.equal(claimed!.job_id, ending);
    await withOpenTransaction(
      sql,
      (tx) => tx`select public.complete_job(${ending!}, null, ${claimed!.fencing_token})`,
      async () => {
        await sql`update public.job_type set max_concurrency = 1 where name = ${jobTypes[0]!}`;
      },
    );
    await sql`select private.process_background_jobs()`;
    await assertSideTablesAreRight(sql, "when the tick has come");
    assert.deepEqual((await claim(sql, "second", 1, jobTypes)).map(({ job_id }) => job_id), [next]);
  });
});

Deno.test("start_job() waits for a claim under way, which may take the last slot or not", async () => {
  for (const end of ["commit", "rollback"] as const) {
    await withOwnJobs(
      { connections: 3, jobTypes: [{ max_concurrency: 1 }] },
      async ({ sql, jobTypes, enqueue, waitingFor }) => {
        const [, second] = await enqueue(2);
        let started: Promise<boolean> | undefined;
        await withOpenTransaction(
          sql,
          (held) => claim(held, "first", 1, jobTypes),
          async (pid) => {
            started = start(sql, second!);
            await until(async () => await waitingFor(pid) > 0);
          },
          end,
        );
        assert.equal(await started, end === "rollback");
      },
    );
  }
});

Deno.test("a user with a crowd is served to the end at its cap, and keeps nobody else waiting", async () => {
  const cap = { max_per_user: 3 };
  await withOwnJobs({ connections: 9, users: 4, jobTypes: [cap] }, async (own) => {
    const { sql, jobTypes, users } = own;
    // Behind 500 jobs of the first user stand 20 of each other.
    await sql`
      insert into public.job_queue (user_id, job_type, turn)
      select ${users[0]!}::uuid, ${jobTypes[0]!}, 0 from generate_series(1, 500)`;
    await sql`
      insert into public.job_queue (user_id, job_type, turn)
      select id, ${jobTypes[0]!}, n
      from unnest(${users.slice(1)}::uuid[]) as id, generate_series(1, 20) as n`;

    const order: string[] = [];
    const seen = { most: 0, held: 0 };
    const work = async (worker: string) => {
      while (order.length < 560) {
        const batch = await claim(sql, worker, 10, jobTypes);
        const [state] = await sql<{ most: number; held: number }[]>`
          select coalesce(max(jobs) filter (where status = 'processing'), 0)::int as most,
            coalesce(sum(held), 0)::int as held
          from (
            select user_id, status, count(*) as jobs, count(*) filter (where held_by = 'user_cap') as held
            from public.job_queue
            where job_type = ${jobTypes[0]!} and completed_at is null group by 1, 2) as of_user`;
        seen.most = Math.max(seen.most, state!.most);
        seen.held = Math.max(seen.held, state!.held);
        await sql`select public.complete_jobs(${
          sql.json(batch.map(({ job_id, fencing_token }) => ({ job_id, fencing_token })))
        })`;
        order.push(...batch.map(({ user_id }) => user_id));
      }
    };
    await Promise.all(workers.slice(4).map(work));

    assert.equal(order.length, 560, "every job was done, and once");
    assert.equal(seen.most, 3, "never more than max_per_user, and as many");
    assert.ok(seen.held > 300, "the crowd was put aside");
    const last = Math.max(...users.slice(1).map((user) => order.lastIndexOf(user)));
    assert.ok(last < 200, `the others were done after ${last} jobs, not after the crowd`);
  });
});

Deno.test("claim_jobs() lines up a crowd without waiting for who lines up others of the same user", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, jobTypes, users }) => {
    await sql`
      insert into private.job_flow (flow_id, job_priority, last_turn, again_type)
      values (${users[0]!}, 5, 0, ''), (${users[0]!}, 5, 0, ${jobTypes[0]!})`;
    await sql`
      insert into public.job_queue (user_id, job_type, turn, scheduled_for)
      select ${users[0]!}::uuid, ${jobTypes[0]!}, null, now() from generate_series(1, 50)`;
    let claimed = 0;
    await withOpenTransaction(
      sql,
      (held) => held`update private.job_flow set last_turn = 9 where flow_id = ${users[0]!}`,
      () =>
        withOpenTransaction(sql, async (held) => {
          // Fails rather than hangs, should it wait.
          await held`set local lock_timeout = '5s'`;
          // A tick may be lining up the same jobs this moment: what it holds is passed over, too.
          await until(async () => {
            claimed += (await claim(held, "quick", 10 - claimed, jobTypes)).length;
            return claimed === 10;
          });
        }, () => Promise.resolve()),
    );
    assert.equal(claimed, 10);
    await sql`delete from private.job_flow where flow_id = ${users[0]!}`;
  });
});
