/**
 * Somebody holds a job for long, as whoever deletes an account does. What has a lease or a bundle in common with it,
 * jobs of others, does not wait for that.
 */
import assert from "node:assert/strict";
import { DeferredRun, type Whose } from "./deferred/run.ts";
import { holding, soon } from "./holding.ts";
import { type OwnJobs, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

const jobTypes = [{ lease: "1 minute", max_runtime: "2 days" }];

const statusOf = async (own: OwnJobs, ids: readonly string[]) =>
  await Promise.all(ids.map(async (id) => (await own.job(id)).status));

for (const whose of ["users", "system"] satisfies Whose[]) {
  Deno.test(`a worker keeps jobs of ${whose} that it has started while somebody holds one, and writes of the others`, async () => {
    await withOwnJobs({ connections: 4, users: 2, jobTypes }, async (own) => {
      const run = new DeferredRun(own, whose);
      await run.create(20);
      const attempts = await run.take("busy", 10, true);
      const [held, other] = attempts as [typeof attempts[0], typeof attempts[0]];
      await run.age("busy");
      await own.sql`
        update private.job_lease set check_at = now() + interval '1 second' where worker_id = 'busy'`;
      await holding(own, held!.id, async () => {
        await soon(own.sql`
          select public.update_job_progress(${other!.id}, 5, null, ${other!.token})`);
        await soon(own.sql`
          select public.add_job_log(${other!.id}, 'info', 'line', p_fencing_token => ${
          other!.token
        })`);
        await soon(run.beat("busy"));
        await assertSideTablesAreRight(own.sql, "while one is held");
        assert.deepEqual(await statusOf(own, [held!.id, other!.id]), ["pending", "processing"]);
        const [lease] = await own.sql<{ is_long: boolean }[]>`
          select bool_and(check_at > now() + interval '30 seconds') as is_long
          from private.job_lease where ${held!.id} = any(job_ids)`;
        assert.ok(lease!.is_long, "its lease is extended");
        assert.deepEqual(await run.complete(attempts.slice(1, 5)), [], "the others end");
      });
      await run.beat("busy");
      assert.deepEqual(
        await statusOf(own, [held!.id]),
        ["processing"],
        "then its start is written",
      );
      assert.deepEqual(await run.complete([held!, ...attempts.slice(5)]), []);
      await run.drain(["busy"]);
    });
  });
}

Deno.test("who waits to report on his own job holds none of the others meanwhile", async () => {
  await withOwnJobs({ connections: 4, users: 2, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    await run.create(20);
    const [held, ...others] = await run.take("busy", 10, true);
    let writing: Promise<{ answer: boolean }[]> | undefined;
    await withOpenTransaction(own.sql, (tx) =>
      tx`
      select from public.job_queue where id = ${held!.id} for update`, async (pid) => {
      writing = own.sql<{ answer: boolean }[]>`
        select public.update_job_progress(${held!.id}, 50, null, ${held!.token}) as answer`;
      writing.catch(() => {});
      while (await own.waitingFor(pid) === 0) await new Promise((next) => setTimeout(next, 5));
      // Past the wait that is given up.
      await new Promise((next) => setTimeout(next, 200));
      assert.deepEqual(await soon(run.complete(others)), [], "the others end");
    });
    assert.ok((await writing!)[0]!.answer, "its progress is written");
    await run.drain(["busy"]);
  });
});

Deno.test("a worker's own job is waited for, when somebody else holds it", async () => {
  await withOwnJobs({ connections: 4, users: 2, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    await run.create(20);
    const [held] = await run.take("busy", 10, true);
    let writing: Promise<{ answer: boolean }[]> | undefined;
    await withOpenTransaction(own.sql, (tx) =>
      tx`
      select from public.job_queue where id = ${held!.id} for update`, async (pid) => {
      writing = own.sql<{ answer: boolean }[]>`
        select public.update_job_progress(${held!.id}, 50, null, ${held!.token}) as answer`;
      writing.catch(() => {});
      while (await own.waitingFor(pid) === 0) await new Promise((next) => setTimeout(next, 5));
      // Past the wait that is given up.
      await new Promise((next) => setTimeout(next, 200));
    });
    assert.ok((await writing!)[0]!.answer, "its progress is written");
    await run.drain(["busy"]);
  });
});

Deno.test("jobs of a lost worker are done by another while somebody holds one of them, and that one afterwards", async () => {
  await withOwnJobs({ connections: 4, users: 2, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    await run.create(10);
    const attempts = await run.take("lost", 9, true);
    const [held] = attempts;
    await holding(own, held!.id, async () => {
      await soon(run.lose("lost"));
      run.ledger.hold(held!);
      await assertSideTablesAreRight(own.sql, "while one is held");
      // Those whose start was written on the way are looked at next.
      await soon(own.sql`select private.process_background_jobs()`);
      const again = await run.take("next", 10, true);
      assert.equal(again.length, 9, "the one that waited, and eight that were lost");
      assert.deepEqual(await run.complete(again), []);
    });
    await run.drain(["lost"]);
    assert.equal((await own.job(held!.id)).crash_count, 1);
  });
});

const unfolding = {
  "a claim that weighs single jobs": async ({ sql, users }: OwnJobs) => {
    await sql`select public.pause_user_jobs(${users[0]!})`;
  },
  "a claim that finds expired jobs": async ({ sql, jobTypes }: OwnJobs) => {
    const [type] = jobTypes;
    await sql`
      update private.job_bundle set expires_at = now() - interval '1 second' where job_type = ${type!}`;
  },
};

for (const [name, prepare] of Object.entries(unfolding)) {
  Deno.test(`${name} waits for nobody who holds a job of the bundle, and it is not lost`, async () => {
    await withOwnJobs({ connections: 4, users: 1, jobTypes }, async (own) => {
      const { sql } = own;
      const run = new DeferredRun(own);
      const [first, second] = await run.create(30);
      await prepare(own);
      await withOpenTransaction(sql, async (held) => {
        await held`select from public.job_queue where id = any(${[
          first!,
          second!,
        ]}::uuid[]) for update`;
        const taken = await soon(run.take("quick", 10, true));
        assert.equal(taken.length, 10);
        // Who knows of no bundles finds what the claim has left him.
        await held`update public.job_queue set job_priority = 4 where id = ${second!}`;
      }, () => Promise.resolve());
      await sql`
        update private.job_bundle set expires_at = null where job_type = ${run.jobType}`;
      await assertSideTablesAreRight(sql, "when he has let go");
      await run.drain(["quick"]);
    });
  });
}
