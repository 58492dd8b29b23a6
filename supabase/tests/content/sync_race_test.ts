/** What pgTAP cannot show, having one session: syncs, their owners and schedules that meet. */
import assert from "node:assert/strict";
import { type OwnSync, withOwnSync } from "./own_sync.ts";

const ids = (count: number, prefix = "item") =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

Deno.test("two syncs of one account lose and double nothing, and neither calls the other's news gone", async () => {
  await withOwnSync({ connections: 8 }, async (own) => {
    const [older, newer] = [await own.hold(), await own.hold()];
    // The older list was begun before some of what the newer one saw was there.
    const [seenByOlder, seenByNewer] = [ids(40), ids(60)];
    const pages = (job: OwnSync["jobs"][number], seen: string[]) =>
      Promise.all([0, 20, 40].map((first) => own.savePage(job, seen.slice(first, first + 20))));
    await Promise.all([pages(older, seenByOlder), pages(newer, seenByNewer)]);

    const removed = await Promise.all([own.finish(older), own.finish(newer)]);

    assert.deepEqual(removed, [0, 0]);
    assert.deepEqual(await own.shown(), seenByNewer.toSorted());
    const totals = await own.sql`select sum(new_count)::int as new from private.sync_pass
      where job_id in ${own.sql([older.id, newer.id])}`;
    assert.equal(totals[0]!.new, 60);
  });
});

Deno.test("what its owner removes in the middle of a sync stays removed", async () => {
  await withOwnSync({ connections: 8 }, async (own) => {
    const first = await own.hold();
    await own.savePage(first, ids(50));
    for (let round = 0; round < 5; round++) {
      const target = `item-${round}`;
      const [counts, , deleted] = await Promise.all([
        own.savePage(first, ids(50), `round ${round}`),
        own.savePage(first, ids(50).toReversed(), `again ${round}`),
        own.deleteAsOwner(target),
      ]);
      assert.equal(deleted, true);
      assert.equal(counts!.failed_count, 0);
      assert.equal((await own.shown()).includes(target), false);
    }
    assert.equal(await own.finish(first), 0);
    assert.equal((await own.shown()).length, 45);
  });
});

Deno.test("the end of a sync and a late page of it leave nothing that was seen marked as gone", async () => {
  await withOwnSync({ connections: 4 }, async (own) => {
    const earlier = await own.hold();
    await own.savePage(earlier, ids(20));
    await own.finish(earlier);
    const job = await own.hold();
    await own.savePage(job, ids(10));

    const [removed] = await Promise.all([own.finish(job), own.savePage(job, ids(20))]);

    // Whoever comes first: the page brings back what the end took, or the end finds all of it seen.
    assert.ok(removed === 0 || removed === 10, `${removed} were called gone`);
    assert.equal((await own.shown()).length, 20);
    assert.equal(await own.finish(job), removed);
  });
});

Deno.test("a job that was taken over ends nothing and stores nothing", async () => {
  await withOwnSync({ connections: 4 }, async (own) => {
    const job = await own.hold();
    await own.savePage(job, ids(5));
    const lost = { ...job, fencing_token: `${BigInt(job.fencing_token) - 1n}` };

    const answers = await Promise.allSettled([own.finish(lost), own.savePage(lost, ["late"])]);

    const hints = answers.map((answer) => answer.status === "rejected" && answer.reason.hint);
    assert.deepEqual(hints, ["LEASE_LOST", "LEASE_LOST"]);
    assert.equal((await own.shown()).length, 5);
  });
});

Deno.test("two runs of the schedule at once enqueue every due account once", async () => {
  await withOwnSync({ connections: 8, users: 40 }, async (own) => {
    await own.sql`update public.social_account set next_sync_at = now() - interval '10 years'
      where user_id in ${own.sql(own.users)}`;

    await Promise.all(
      Array.from({ length: 6 }, () => own.sql`select private.enqueue_due_syncs(30)`),
    );
    await own.sql`select private.enqueue_due_syncs(60)`;

    const jobs = await own.sql`select user_id, count(*)::int as jobs from public.job_queue
      where user_id in ${own.sql(own.users)} and job_type = 'sync_youtube' group by user_id`;
    assert.equal(jobs.length, 40);
    assert.ok(jobs.every((row) => row.jobs === 1));
    const due = await own.sql`select 1 from public.social_account
      where user_id in ${own.sql(own.users)} and next_sync_at <= now()`;
    assert.equal(due.length, 0);
  });
});

Deno.test("the last unit of a platform's quota goes to one of many", async () => {
  await withOwnSync({ connections: 10 }, async ({ sql, run }) => {
    await sql`insert into private.provider_quota (platform, bucket, limit_units) values ('youtube', ${run}, 25)`;
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        () => sql`select allowed from public.reserve_provider_quota('youtube', ${run}, 2)`,
      ),
    );
    assert.equal(answers.filter(([row]) => row!.allowed).length, 12);
  });
});

Deno.test("the followers of two accounts that change at once add up", async () => {
  await withOwnSync({ connections: 8 }, async (own) => {
    const second = await own.connect("second");
    const job = await own.hold();
    for (let round = 1; round <= 5; round++) {
      await Promise.all(
        [own.account, second].map((account) =>
          own.sql`select public.update_account_facts(${job.id}, ${job.fencing_token}, ${account},
          ${own.sql.json({ follower_count: round * 100 })})`
        ),
      );
      const [user] = await own
        .sql`select total_followers::int as total from public.users where id = ${own.users[0]!}`;
      assert.equal(user!.total, round * 200);
    }
  });
});
