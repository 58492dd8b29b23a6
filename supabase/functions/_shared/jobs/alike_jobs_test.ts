import assert from "node:assert/strict";
import { jobsOf } from "./alike_jobs.ts";
import { openQueue } from "./real_queue.ts";

Deno.test("jobs that are claimed together come apart again, each with its own params", () => {
  const shared = {
    user_id: null,
    job_type: "test_job",
    checkpoint: { at: 1 },
    progress_percent: 10,
    retry_count: 1,
    crash_count: null,
    parent_job_id: null,
    fencing_token: 2,
    lease_ms: 60_000,
  };
  const jobs = jobsOf({ ...shared, ids: "{a,b}", all_params: '[{"n": [1, ","]}, null]' });
  assert.deepEqual(jobs, [
    { ...shared, id: "a", params: { n: [1, ","] } },
    { ...shared, id: "b", params: null },
  ]);
});

Deno.test("what the jobs of a claim do not share stays with each of them", async () => {
  await using queue = await openQueue();
  const rows = await queue.sql<{ id: string; params: unknown; checkpoint: unknown }[]>`
    insert into public.job_queue (job_type, params, checkpoint)
    select ${queue.type}, params, case when n > 2 then jsonb_build_object('n', n) end
    from unnest(array[
      '{"text": "a \\"quote\\", a comma and {braces}"}', '{}', '{"list": [1, null, "é \\\\ 𝄞"]}', '{"n": 1e300}'
    ]::jsonb[]) with ordinality as given (params, n)
    returning id, params, checkpoint`;
  const jobs = await queue.store.claim("w", 10, [queue.type]);
  const seen = new Map(jobs.map(({ id, params, checkpoint }) => [id, { params, checkpoint }]));
  assert.deepEqual(
    seen,
    new Map(rows.map(({ id, params, checkpoint }) => [id, { params, checkpoint }])),
  );
});

Deno.test("jobs of several owners and of the system come in one row, each with its own", async () => {
  await using queue = await openQueue();
  const { sql } = queue;
  const users = [crypto.randomUUID(), crypto.randomUUID()];
  await sql`
    insert into auth.users (id, email) select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
  const rows = await sql<{ id: string; user_id: string | null }[]>`
    insert into public.job_queue (job_type, user_id)
    select ${queue.type}, user_id from unnest(${[...users, null, users[0]!]}::uuid[]) as user_id
    returning id, user_id`;
  const jobs = await queue.store.claim("w", 10, [queue.type]);
  assert.deepEqual(
    new Map(jobs.map(({ id, user_id }) => [id, user_id])),
    new Map(rows.map(({ id, user_id }) => [id, user_id])),
  );
  await sql`delete from auth.users where id = any(${users})`;
});
