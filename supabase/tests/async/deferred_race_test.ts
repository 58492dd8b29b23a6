/**
 * What pgTAP cannot show, having one session: whatever can happen to a job that waits, beside a claim which
 * takes it without a word in its row.
 */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type Change, changes } from "./deferred/changes.ts";
import { assertOwnersWereTold } from "./deferred/owner_hands.ts";
import { DeferredRun } from "./deferred/run.ts";
import { type OwnJobs, refusal, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

interface Taken {
  readonly id: string;
  readonly token: string;
}

async function take({ jobTypes }: OwnJobs, sql: postgres.Sql, count: number): Promise<Taken[]> {
  return [
    ...await sql<Taken[]>`
    select id, fencing_token as token
    from private.take_jobs('beside', ${count}, ${sql.array([...jobTypes])}, true)`,
  ];
}

/** Answers what was completed. */
async function complete({ sql }: OwnJobs, taken: readonly Taken[]): Promise<string[]> {
  const [row] = await sql<{ refused: string[] }[]>`
    select private.complete_by_id(${taken.map(({ id }) => id)}::uuid[],
      ${taken.map(({ token }) => token)}::bigint[], null) as refused`;
  return taken.map(({ id }) => id).filter((id) => !row!.refused.includes(id));
}

/** Twenty jobs, in turns of two users, of which one meets the change. */
async function meet(
  { to }: Change,
  claim: (
    own: OwnJobs,
    change: (sql: postgres.Sql) => Promise<unknown>,
    ids: string[],
  ) => Promise<Taken[]>,
): Promise<{ taken: number; completed: number }> {
  let met = { taken: 0, completed: 0 };
  await withOwnJobs({ connections: 5, users: 2 }, async (own) => {
    const { sql, users, jobTypes } = own;
    const [user] = users;
    await own.enqueue(20);
    const rows = await sql<{ id: string }[]>`
      select id from public.job_queue
      where job_type = any(${[...jobTypes]}) and user_id = ${user!} order by id`;
    const ids = rows.map(({ id }) => id);

    const taken = await claim(own, (held) => to(held, ids, user!), ids);
    assert.ok(taken.every(({ token }) => Number(token) >= 1e12), "no start is written");
    await assertSideTablesAreRight(sql, "when both are done");
    const completed = await complete(own, taken);
    met = { taken: taken.length, completed: completed.length };
    await assertSideTablesAreRight(sql, "when what was claimed is completed");

    // Whatever is left ends, and nothing a second time.
    await sql`select public.resume_user_jobs(id) from public.users where id = ${user!}`;
    await sql`
      select public.complete_job(id, null, fencing_token) from public.job_queue
      where job_type = any(${[...jobTypes]}) and status = 'processing' and worker_id = 'by hand'`;
    for (let rest = await take(own, sql, 5); rest.length > 0; rest = await take(own, sql, 5)) {
      const again = await complete(own, rest);
      assert.equal(again.length, rest.length, "what waits is whoever's takes it");
      assert.deepEqual(again.filter((id) => completed.includes(id)), [], "nothing is done twice");
    }
    const [left] = await sql`
      select count(*)::int as jobs from public.job_queue
      where job_type = any(${[...jobTypes]}) and completed_at is null`;
    assert.equal(left!.jobs, 0, "every job ends");
    await assertSideTablesAreRight(sql, "when all have ended");
    await assertOwnersWereTold(new DeferredRun(own, "users"));
  });
  return met;
}

for (const [name, change] of Object.entries(changes)) {
  Deno.test(`beside a claim, ${name}: what comes first is passed over, and nothing is lost or done twice`, async () => {
    const met = await meet(change, async (own, apply) => {
      let taken: Taken[] = [];
      await withOpenTransaction(own.sql, apply, async () => {
        taken = await take(own, own.sql, 10);
      });
      return taken;
    });
    assert.deepEqual(met, { taken: 10, completed: 10 }, "the claim finds ten others");
  });

  Deno.test(`beside a claim, ${name}: what has the rows, but not yet what stands beside them, comes second`, async () => {
    const met = await meet(change, async (own, apply, ids) => {
      let taken: Taken[] = [];
      await withOpenTransaction(own.sql, async (held) => {
        await held`select from public.job_queue where id = any(${ids}::uuid[]) order by id for update`;
        taken = await take(own, own.sql, 10);
        await apply(held);
      }, () => Promise.resolve());
      return taken;
    });
    assert.deepEqual(met, { taken: 10, completed: change.leavesThem ? 10 : 5 });
  });

  Deno.test(`beside a claim, ${name}: what comes while it is open waits for it, or leaves it what it has`, async () => {
    const met = await meet(change, async (own, apply) => {
      let changing: Promise<unknown> | undefined;
      const taken = await withOpenTransaction(
        own.sql,
        (held) => take(own, held, 10),
        async (pid) => {
          let isDone = false;
          changing = own.sql.begin((tx) => apply(tx as unknown as postgres.Sql)).then(() =>
            isDone = true
          );
          await until(async () => isDone || await own.waitingFor(pid) > 0);
          assert.equal(isDone, change.passesBy ?? false, "who waits, waits for the claim");
        },
      );
      await changing;
      return taken;
    });
    assert.deepEqual(met, { taken: 10, completed: change.leavesThem ? 10 : 5 });
  });
}

Deno.test("beside a claim, by who cannot see it: a job that waits is not changed", async () => {
  for (const level of ["repeatable read", "serializable"]) {
    await withOwnJobs({ connections: 3 }, async (own) => {
      const { sql, jobTypes } = own;
      await own.enqueue(5);
      const held = await sql.reserve();
      await held.unsafe(`begin isolation level ${level}`);
      await held`select from public.job_queue limit 1`;
      const taken = await take(own, sql, 5);
      assert.equal(taken.length, 5);
      const said = await held`
        update public.job_queue set job_priority = 3 where job_type = any(${[...jobTypes]})`
        .then(() => "nothing", refusal);
      await held`rollback`;
      held.release();

      assert.equal(said, "PT409 CONFLICT", level);
      await assertSideTablesAreRight(sql, "when it has been refused");
      assert.equal((await complete(own, taken)).length, 5);
    });
  }
});
