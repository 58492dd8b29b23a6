/** What pgTAP cannot show, having one session: the ends of children and parents that meet. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { cancel, claim, complete, fail, Family, loseLease, sweep } from "./batches.ts";
import { until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

const family = { connections: 12, jobTypes: [{}, { max_crashes: 2 }] };

const shuffled = <T>(items: readonly T[]): T[] =>
  items.map((item) => ({ item, order: Math.random() })).sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

/** `items` in `count` parts of about the same size. */
const dealt = <T>(items: readonly T[], count: number): T[][] =>
  Array.from({ length: count }, (_, n) => items.filter((_, index) => index % count === n));

Deno.test("of two last children that end at once, one ends the parent", async () => {
  await withOwnJobs(family, async (own) => {
    for (let round = 0; round < 20; round++) {
      const us = await Family.start(own, 4);
      await us.wait();
      const children = await us.claimChildren();

      await Promise.all(children.map((child) => complete(own.sql, [child])));

      const { status, result } = await us.job();
      assert.equal(status, "completed");
      assert.equal((result as { completed: number }).completed, 4, "which has seen them all");
      const { is_open, completed } = await us.batch();
      assert.deepEqual({ is_open, completed }, { is_open: false, completed: 4 });
    }
  });
});

Deno.test("the last child waits for the one before, and then ends the parent, or does not", async () => {
  for (const end of ["commit", "rollback"] as const) {
    await withOwnJobs(family, async (own) => {
      const us = await Family.start(own, 2);
      await us.wait();
      const [one, two] = await us.claimChildren();
      let other: Promise<number> | undefined;

      await withOpenTransaction(own.sql, (held) => complete(held, [one!]), async (pid) => {
        other = complete(own.sql, [two!]);
        await until(async () => await own.waitingFor(pid) === 1);
      }, end);
      await other;

      assert.equal((await us.job()).status, end === "commit" ? "completed" : "pending");
      await us.assertCounted();
      if (end === "rollback") {
        await complete(own.sql, [one!]);
        assert.equal((await us.job()).status, "completed");
      }
    });
  }
});

Deno.test("a parent that begins to wait while its last child ends is completed", async () => {
  await withOwnJobs(family, async (own) => {
    for (let round = 0; round < 40; round++) {
      const us = await Family.start(own, 2);
      const children = await us.claimChildren();

      const said = await Promise.all(
        shuffled([
          () => us.wait(),
          ...children.map((child) => () => complete(own.sql, [child])),
        ]).map((act) => act()),
      );

      assert.ok(said.includes("pending") || said.includes("completed"));
      assert.equal((await us.job()).status, "completed");
    }
  });
});

Deno.test("a batch outlives whatever ends its children and its parent at once", async () => {
  await withOwnJobs(family, async (own) => {
    const seen = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const us = await Family.start(own, 60);
      const onChildFailure = round % 2 ? "fail_fast" : "partial";
      await us.wait({ onChildFailure });
      const children = shuffled(await us.claimChildren());
      const [completing, failing, lost] = dealt(children, 3);
      await loseLease(own.sql, lost!);

      // No statement may fail: a deadlock would.
      await Promise.all(
        shuffled([
          ...dealt(completing!, 4).map((part) => () => complete(own.sql, part)),
          ...(round % 3 ? dealt(failing!, 3) : []).map((part) => () => fail(own.sql, part)),
          ...Array.from({ length: 3 }, () => () => us.claimChildren()),
          ...(round % 4 ? [] : [() => cancel(own.sql, us.parent.id)]),
          () => sweep(own.sql),
        ]).map((act) => act()),
      );

      await sweep(own.sql);
      const { status } = await us.job();
      seen.add(status);
      await us.assertCounted();
      const active = (await us.children()).filter(({ completed_at }) => !completed_at);
      if (status === "pending") {
        assert.ok(active.length > 0, "a parent waits for somebody");
      } else {
        assert.deepEqual(active, [], "nobody works for a parent that has ended");
        assert.equal((await us.batch()).is_open, false);
      }
    }
    assert.deepEqual([...seen].sort(), ["cancelled", "failed", "pending"]);
  });
});

Deno.test("nested batches that end at once complete up to the top", async () => {
  await withOwnJobs(family, async (own) => {
    for (let round = 0; round < 6; round++) {
      const top = await Family.start(own, 6);
      await top.wait();
      const middles = (await top.claimChildren()).map((held) => new Family(own, held));
      await Promise.all(middles.map((middle) => middle.create(4)));
      await Promise.all(middles.map((middle) => middle.wait()));
      const leaves = shuffled(await top.claimChildren());
      assert.equal(leaves.length, 24);

      await Promise.all(dealt(leaves, 8).map((part) => complete(own.sql, part)));

      await sweep(own.sql);
      for (const one of [...middles, top]) {
        assert.equal((await one.job()).status, "completed");
        await one.assertCounted();
      }
    }
  });
});

Deno.test("a connection that is killed with the last child takes the parent's completion with it", async () => {
  await withOwnJobs(family, async (own) => {
    const us = await Family.start(own, 1);
    await us.wait();
    const children = await us.claimChildren();

    const { db_url } = await readStack();
    const doomed = postgres(db_url, { max: 1, onnotice: () => {} });
    const [session] = await doomed<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await doomed.unsafe("begin");
    await complete(doomed, children);
    const [inside] = await doomed`
      select status from public.job_queue where id = ${us.parent.id}`;
    assert.equal(inside!.status, "completed", "both in one transaction");
    await own.sql`select pg_terminate_backend(${session!.pid}, 5000)`;
    await doomed.end({ timeout: 0 });

    assert.equal((await us.job()).status, "pending");
    await loseLease(own.sql, children);
    const again = await us.claimChildren();
    assert.equal(again.length, 1, "the child is recovered");
    await complete(own.sql, again);
    assert.equal((await us.job()).status, "completed");
  });
});

Deno.test("children created while their parent is cancelled end with it", async () => {
  await withOwnJobs(family, async (own) => {
    const us = await Family.start(own, 1);
    let cancelled: Promise<boolean> | undefined;

    await withOpenTransaction(own.sql, (held) => us.create(5, held), async (pid) => {
      cancelled = cancel(own.sql, us.parent.id);
      await until(async () => await own.waitingFor(pid) === 1);
    });

    assert.equal(await cancelled, true);
    assert.deepEqual((await us.children()).map(({ status }) => status), Array(5).fill("cancelled"));
    await us.assertCounted();
  });
});

Deno.test("a user with one job is next, whatever another user has lined up", async () => {
  await withOwnJobs({ connections: 2, users: 2, jobTypes: [{}, {}] }, async (own) => {
    const { sql, jobTypes: [parents, work], users: [a, b] } = own;
    const create = async (user: string, type: string, n: number) => {
      const [row] = await sql<{ id: string }[]>`
        select public.create_job(${user}, ${type}, ${sql.json({ n })}) as id`;
      return row!.id;
    };
    const parentId = await create(a!, parents!, 0);
    const [parent] = await claim(sql, [parents!]);
    assert.equal(parent!.id, parentId);
    for (let n = 1; n < 10; n++) await create(a!, work!, n);
    await sql`
      select * from public.create_child_jobs(${parent!.id}, ${parent!.token}, ${
      sql.json(Array.from({ length: 5000 }, (_, n) => ({ job_type: work!, key: `c${n}` })))
    })`;
    const tail = await create(a!, work!, 10).catch(() => null);
    assert.equal(tail, null, "A has as many jobs as a user may have");

    // Before anything is claimed, in the middle of A's jobs, and in the middle of A's children.
    for (const rounds of [0, 1, 20]) {
      for (let round = 0; round < rounds; round++) await claim(sql, [work!], 5);
      const id = await create(b!, work!, rounds);
      const next = await claim(sql, [work!], 5);
      assert.ok(next.some((job) => job.id === id), `B's job is in the next claim (${rounds})`);
    }
  });
});
