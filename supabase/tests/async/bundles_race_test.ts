/** Bundles that somebody else has to do with at the moment of a claim. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

async function bundle(sql: postgres.Sql, jobType: string, count: number): Promise<void> {
  const requests = Array.from({ length: count }, () => ({
    job_type: jobType,
    params: { n: crypto.randomUUID() },
  }));
  await sql`select from public.create_jobs(${sql.json(requests)})`;
}

async function take(sql: postgres.Sql, count: number, types: readonly string[]): Promise<string[]> {
  const rows = await sql<{ job_type: string }[]>`
    select job_type from private.take_jobs('beside', ${count}, ${[...types]}, true)`;
  return rows.map(({ job_type }) => job_type);
}

Deno.test("a bundle that somebody holds for long keeps no other lane waiting", async () => {
  await withOwnJobs({ connections: 3, jobTypes: [{}, {}] }, async ({ sql, jobTypes }) => {
    const [held, other] = jobTypes as [string, string];
    await bundle(sql, held, 30);
    await bundle(sql, other, 30);
    await withOpenTransaction(
      sql,
      (tx) => tx`select from private.job_bundle where job_type = ${held} for update`,
      async () => {
        assert.deepEqual(await take(sql, 5, jobTypes), Array(5).fill(other), "the next lane's are");
      },
    );
    assert.deepEqual(await take(sql, 5, jobTypes), Array(5).fill(held), "then its own turn comes");
  });
});

Deno.test("a type's first limit holds for what is being created meanwhile", async () => {
  await withOwnJobs({ connections: 3 }, async ({ sql, jobTypes }) => {
    const [type] = jobTypes as [string];
    await withOpenTransaction(
      sql,
      (creating) => bundle(creating, type, 30),
      () => sql`update public.job_type set max_concurrency = 2 where name = ${type}`.then(() => {}),
    );
    assert.deepEqual(await take(sql, 10, jobTypes), [], "what cannot be counted is not started");
    await sql`select private.process_background_jobs()`;
    assert.deepEqual(await take(sql, 10, jobTypes), [type, type], "the tick sees to it");
    await assertSideTablesAreRight(sql, "when the limit is reached");
  });
});
