/** Starts of users' jobs that are not written, and what their owners and operators do at that moment. */
import assert from "node:assert/strict";
import type { Attempt } from "./deferred/ledger.ts";
import { assertOwnersWereTold } from "./deferred/owner_hands.ts";
import { DeferredRun } from "./deferred/run.ts";
import { until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

const jobTypes = [{ lease: "1 hour", max_runtime: "2 days" }];

Deno.test("an owner's cancel that comes before the claim is passed over, and one that comes after stands", async () => {
  await withOwnJobs({ connections: 3, users: 2, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    await run.create(40);
    const [first] = await run.take("idle", 1, false);
    await run.complete([first!]);
    const open = await own.sql<{ id: string; user_id: string }[]>`
      select id, user_id from public.job_queue
      where job_type = ${run.jobType} and status = 'pending' order by turn`;
    const cancel = (sql: typeof own.sql, { id, user_id }: (typeof open)[number]) =>
      sql`select public.cancel_job(${id}, ${user_id})`;
    let attempts: Attempt[] = [];
    await withOpenTransaction(own.sql, async (held) => {
      await cancel(held, open[0]!);
    }, async () => {
      attempts = await run.take("quick", 30, true);
    });
    run.ledger.end(open[0]!.id);
    assert.ok(!attempts.some(({ id }) => id === open[0]!.id), "what is being cancelled is left");
    assert.equal((await own.job(open[1]!.id)).status, "pending", "starts are not written");
    await cancel(own.sql, open[1]!);
    run.ledger.end(open[1]!.id);
    assert.deepEqual(await run.complete(attempts), [open[1]!.id], "it is completed by nobody");
    assert.equal((await own.job(open[1]!.id)).status, "cancelled");
    await run.verify("when the others are completed");
    await assertOwnersWereTold(run);
  });
});

Deno.test("what a claim is starting this moment is nobody else's, though its row never says so", async () => {
  await withOwnJobs({ connections: 22, users: 1, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    const ids = await run.create(20);
    let started: Promise<{ is_started: boolean }[]> | undefined;
    await withOpenTransaction(own.sql, async (held) => {
      await held`
        select from private.take_jobs('quick', 10, ${[run.jobType]}, true)`;
    }, async (pid) => {
      started = Promise.all(ids.map(async (id) => {
        const [row] = await own.sql<{ is_started: boolean }[]>`
          select public.start_job(${id}, 'by hand') as is_started`;
        return row!;
      }));
      await until(async () => await own.waitingFor(pid) > 0);
    });
    const hands = (await started)!.filter(({ is_started }) => is_started);
    assert.equal(hands.length, 10, "by hand the other ten are started");
    await assertSideTablesAreRight(own.sql, "when all are started");
    await own.sql`select public.pause_user_jobs(${own.users[0]!})`;
    await assertSideTablesAreRight(own.sql, "when their owner is paused");
    const [counts] = await own.sql<{ running: number }[]>`
      select count(*) filter (where status = 'processing')::int as running
      from public.job_queue where job_type = ${run.jobType}`;
    assert.equal(counts!.running, 20, "whoever runs goes on, and its owner sees that it does");
    await assertOwnersWereTold(run);
  });
});

Deno.test("a pause that comes while a claim is starting jobs leaves them to it", async () => {
  await withOwnJobs({ connections: 3, users: 1, jobTypes }, async (own) => {
    const run = new DeferredRun(own, "users");
    await run.create(20);
    let attempts: Attempt[] = [];
    await withOpenTransaction(own.sql, async (held) => {
      const rows = await held<{ id: string; token: string }[]>`
        select id, fencing_token as token
        from private.take_jobs('quick', 10, ${[run.jobType]}, true)`;
      attempts = rows.map(({ id, token }) =>
        run.ledger.hold({ id, token: Number(token), worker: "quick" })
      );
    }, async () => {
      await own.sql`select public.pause_user_jobs(${own.users[0]!})`;
    });
    await run.verify("when both are done");
    assert.deepEqual(await run.complete(attempts), [], "they are completed");
    await own.sql`select public.resume_user_jobs(${own.users[0]!})`;
    const rest = await run.take("quick", 10, true);
    assert.equal(rest.length, 10, "the others wait for the end of the pause");
    await run.complete(rest, rest.map(({ token }) => ({ token })));
    await run.verify("when all are completed");
    await assertOwnersWereTold(run);
  });
});
