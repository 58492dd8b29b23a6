import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";
import { type StoredJobs, withStoredJobs } from "../_shared/testing/stored_jobs.ts";

type Run = Awaited<ReturnType<typeof open>> & { stored: StoredJobs };

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const owner = await Person.signUp(stack);
  const retry = (person: Person | null, body: unknown) => call(fetch, person, "job-retry", body);
  return { fetch, stack, owner, retry };
}

function retryTest(name: string, run: (test: Run) => Promise<void>): void {
  stackTest(name, async () => {
    const test = await open();
    await withStoredJobs(test.stack, (stored) => run({ ...test, stored }));
  });
}

retryTest("job-retry runs a failed job again, afresh, and says where to watch it", async (test) => {
  const { stack, owner, stored, retry } = test;
  const job_id = await stored.add(owner, "failed", {
    retry_count: 3,
    crash_count: 2,
    progress_percent: 40,
  });

  const { status, body } = await retry(owner, { job_id });

  assert.equal(status, 202);
  assert.deepEqual(body, {
    success: true,
    job_id,
    status: "pending",
    polling_endpoint: `${stack.api_url}/functions/v1/job-status?job_id=${job_id}`,
    websocket_channel: `job_status:${job_id}`,
  });
  assert.partialDeepStrictEqual(await owner.job(job_id), {
    status: "pending",
    error_code: null,
    retry_count: 0,
    crash_count: 0,
    progress_percent: 0,
    completed_at: null,
  });
});

retryTest("job-retry lets a cancelled job go on from its checkpoint", async (test) => {
  const { owner, stored, retry } = test;
  const job_id = await stored.add(owner, "cancelled", {
    checkpoint: { page: 4 },
    progress_percent: 40,
  });

  assert.equal((await retry(owner, { job_id })).status, 202);

  const { checkpoint, progress_percent } = await owner.job(job_id);
  assert.deepEqual([checkpoint, progress_percent], [{ page: 4 }, 40]);
});

retryTest("job-retry leaves alone what has completed or is under way", async (test) => {
  const { owner, stored, retry } = test;
  for (const status of ["completed", "pending", "processing"] as const) {
    const job_id = await stored.add(owner, status);
    const answer = await retry(owner, { job_id });
    assertRefused(answer, 409, "JOB_NOT_RETRYABLE");
    assert.equal((await owner.job(job_id)).status, status);
  }
});

retryTest("job-retry a second time finds the job under way", async ({ owner, stored, retry }) => {
  const job_id = await stored.add(owner, "failed");
  assert.equal((await retry(owner, { job_id })).status, 202);
  assertRefused(await retry(owner, { job_id }), 409, "JOB_NOT_RETRYABLE");
});

retryTest("job-retry names the equal job that is under way", async ({ owner, stored, retry }) => {
  const job_id = await stored.add(owner, "failed", { dedupe_key: "same" });
  const other = await stored.add(owner, "pending", { dedupe_key: "same" });

  const answer = await retry(owner, { job_id });

  assertRefused(answer, 409, "JOB_ALREADY_ACTIVE");
  assert.deepEqual(answer.body.error.details, { job_id: other });
});

retryTest("job-retry of a part says that the whole has to be retried", async (test) => {
  const { owner, stored, retry } = test;
  const parent_job_id = await stored.add(owner, "failed");
  const job_id = await stored.add(owner, "failed", { parent_job_id });

  const answer = await retry(owner, { job_id });

  assertRefused(answer, 409, "JOB_NOT_RETRYABLE");
  assert.equal(answer.body.error.details.parent_job_id, parent_job_id);
});

retryTest("job-retry counts against the ten jobs a user may have under way", async (test) => {
  const { owner, stored, retry } = test;
  const job_id = await stored.add(owner, "failed");
  for (let n = 0; n < 10; n++) await stored.add(owner, "processing");

  const answer = await retry(owner, { job_id });

  assertRefused(answer, 429, "JOB_LIMIT_REACHED");
  assert.ok(Number(answer.headers.get("retry-after")) > 0, "says when to come back");
  assert.equal(answer.headers.get("ratelimit-limit"), "10");
  assert.equal((await owner.job(job_id)).status, "failed");
});

retryTest("job-retry knows no job of somebody else and leaves it alone", async (test) => {
  const { stack, owner, stored, retry } = test;
  const neighbour = await Person.signUp(stack);
  const job_id = await stored.add(owner, "failed");
  const theirs = await stored.add(neighbour, "failed");

  assertRefused(await retry(neighbour, { job_id }), 404, "JOB_NOT_FOUND");
  assertRefused(await retry(null, { job_id }), 401, "UNAUTHENTICATED");
  assert.equal((await owner.job(job_id)).status, "failed");
  assert.equal((await retry(neighbour, { job_id: theirs })).status, 202, "their own they may");
});

stackTest("job-retry refuses a body that names no job", async () => {
  const { owner, retry } = await open();
  const job_id = crypto.randomUUID();
  for (
    const body of [{}, [], "job", { job_id: "1" }, { job_id: null }, { job_id, user_id: job_id }]
  ) {
    assertRefused(await retry(owner, body), 400, "VALIDATION_ERROR");
  }
  assertRefused(await retry(owner, { job_id }), 404, "JOB_NOT_FOUND");
});

stackTest("job-retry is for writing", async () => {
  const { fetch, owner } = await open();
  const answer = await call(fetch, owner, `job-retry?job_id=${crypto.randomUUID()}`);
  assertRefused(answer, 405, "METHOD_NOT_ALLOWED");
  assert.equal(answer.headers.get("allow"), "POST, OPTIONS");
});
