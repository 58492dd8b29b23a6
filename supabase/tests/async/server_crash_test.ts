/** PostgreSQL itself is killed right after it has told a worker that jobs are completed. */
import assert from "node:assert/strict";
import postgres from "postgres";
import type { ClaimedJob } from "../../functions/_shared/jobs/job_store.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { readPostmaster } from "../../../local/postgres/postmaster.ts";
import { type RunningStack, startStack } from "../../../local/stack/client.ts";
import { waitUntil } from "../../../local/stack/process.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

const TYPE = "outlives_its_server";
const JOBS = 700;

/** A server of its own, with jobs of one user. */
async function withServer(run: (stack: RunningStack) => Promise<void>): Promise<void> {
  const stack = await startStack({
    skipParts: ["data_api", "gateway", "scheduler", "realtime", "providers", "mailbox"],
  });
  try {
    await using sql = connect(stack);
    const user = crypto.randomUUID();
    await sql`insert into auth.users (id, email) values (${user}, ${`${user}@tests.invalid`})`;
    await sql`
      insert into public.job_type (name, category, description, lease)
      values (${TYPE}, 'maintenance', 'A crash test''s own.', '1 second')`;
    await sql`
      insert into public.job_queue (user_id, job_type, turn)
      select ${user}, ${TYPE}, n from generate_series(1, ${JOBS}::int) as n`;
    await run(stack);
  } finally {
    await stack.stop({ remove: true });
  }
}

function connect({ db_url }: RunningStack) {
  const sql = postgres(db_url, { max: 1, onnotice: () => {} });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end() });
}

/** A worker's calls: takes as many, and completes those. */
async function work(stack: RunningStack, count: number, result: unknown): Promise<ClaimedJob[]> {
  const store = openStore({ url: stack.db_url });
  try {
    const worker = crypto.randomUUID();
    const jobs = [
      ...await store.claim(worker, count, [TYPE]),
      ...await store.claimCrashed(worker, count, [TYPE]),
    ];
    const done = jobs.map(({ id, fencing_token }) => ({ job_id: id, fencing_token, result }));
    const refused = done.length > 0 ? await store.complete(done) : new Map();
    assert.equal(refused.size, 0, "what is held is completed");
    return jobs;
  } finally {
    await store.close().catch(() => {});
  }
}

async function killServer(stack: RunningStack): Promise<void> {
  const server = await readPostmaster(`${stack.state_dir}/pgdata`);
  Deno.kill(server!.pid, "SIGKILL");
  const isBack = async () => {
    await using sql = connect(stack);
    const now = await readPostmaster(`${stack.state_dir}/pgdata`);
    return now?.pid !== server!.pid && await sql`select 1`.then(() => true, () => false);
  };
  assert(await waitUntil(isBack, 30_000, 50), "the server comes back");
}

async function completed(stack: RunningStack): Promise<number> {
  await using sql = connect(stack);
  const [row] = await sql<{ jobs: number }[]>`
    select count(*)::int as jobs from public.job_queue where status = 'completed'`;
  return row!.jobs;
}

Deno.test("what a drain has completed is kept or done again, when the server is killed that moment", async () => {
  await withServer(async (stack) => {
    const jobs = await work(stack, 500, null);
    assert.equal(jobs.length, 500);
    assert.equal(await completed(stack), 500);
    await killServer(stack);

    assert([0, 500].includes(await completed(stack)), "of one statement all is kept, or nothing");
    await using sql = connect(stack);
    await assertSideTablesAreRight(sql, "after the crash");
    const isDrained = async () => {
      await sql`select from private.recover_lost_jobs()`;
      await work(stack, 500, null);
      return await completed(stack) === JOBS;
    };
    assert(await waitUntil(isDrained, 30_000, 100), "every job ends");
    await assertSideTablesAreRight(sql, "when all have ended");
    const [told] = await sql<{ jobs: number }[]>`
      select count(distinct payload ->> 'job_id')::int as jobs from realtime.messages
      where topic like 'job_status:%' and payload ->> 'status' = 'completed'`;
    assert.equal(told!.jobs, JOBS, "and its owner has been told");
  });
});

for (const [what, count, result] of [["results", 500, { n: 1 }], ["a few jobs", 100, null]]) {
  Deno.test(`${what} that a worker has stored are kept, when the server is killed that moment`, async () => {
    await withServer(async (stack) => {
      await work(stack, count as number, result);
      await killServer(stack);
      assert.equal(await completed(stack), count);
    });
  });
}
