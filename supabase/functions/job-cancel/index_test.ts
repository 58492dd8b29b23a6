import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith, addFault } from "../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";
import { withStoredJobs } from "../_shared/testing/stored_jobs.ts";

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const owner = await Person.signUp(stack);
  const account = accountWith(3);
  await owner.connectYouTube(account);
  return { fetch, stack, owner, account };
}

stackTest(
  "job-cancel ends the owner's job at once, and a second time changes nothing",
  async () => {
    const { fetch, stack, owner, account } = await open();
    await addFault(stack, account, {
      kind: "slow",
      path: "/youtube",
      delay_ms: 5_000,
      count: null,
    });
    const job_id = await owner.startSync();
    const first = await call(fetch, owner, "job-cancel", { job_id });
    assert.equal(first.status, 200);
    assert.deepEqual(first.body, { success: true, job_id, status: "cancelled", cancelled: true });
    assert.equal((await owner.job(job_id)).status, "cancelled");
    const again = await call(fetch, owner, "job-cancel", { job_id });
    assert.deepEqual(again.body, { success: true, job_id, status: "cancelled", cancelled: false });
  },
);

stackTest("job-cancel says that a completed job has ended", async () => {
  const { fetch, owner } = await open();
  const job_id = await owner.startSync();
  await owner.waitForJob(job_id, ({ status }) => status === "completed");
  const answer = await call(fetch, owner, "job-cancel", { job_id });
  assertRefused(answer, 409, "JOB_NOT_CANCELLABLE");
  assert.deepEqual(answer.body.error.details, { status: "completed" });
});

stackTest("job-cancel does not know a stranger's job and leaves it alone", async () => {
  const { fetch, stack, owner } = await open();
  const stranger = await Person.signUp(stack);
  const job_id = await owner.startSync();
  assertRefused(await call(fetch, stranger, "job-cancel", { job_id }), 404, "JOB_NOT_FOUND");
  assertRefused(await call(fetch, null, "job-cancel", { job_id }), 401, "UNAUTHENTICATED");
  assert.notEqual((await owner.job(job_id)).status, "cancelled");
});

stackTest("job-cancel lets a neighbour cancel only what is theirs", async () => {
  const { fetch, stack, owner } = await open();
  const neighbour = await Person.signUp(stack);
  await withStoredJobs(stack, async (stored) => {
    const mine = await stored.add(owner, "pending");
    const theirs = await stored.add(neighbour, "pending");
    assertRefused(
      await call(fetch, neighbour, "job-cancel", { job_id: mine }),
      404,
      "JOB_NOT_FOUND",
    );
    assert.equal((await call(fetch, neighbour, "job-cancel", { job_id: theirs })).status, 200);
    assert.equal((await owner.job(mine)).status, "pending");
  });
});

stackTest("job-cancel is for writing", async () => {
  const { fetch, owner } = await open();
  const answer = await call(fetch, owner, `job-cancel?job_id=${crypto.randomUUID()}`);
  assertRefused(answer, 405, "METHOD_NOT_ALLOWED");
  assert.equal(answer.headers.get("allow"), "POST, OPTIONS");
});

stackTest("job-cancel refuses a body that names no job", async () => {
  const { fetch, owner } = await open();
  for (const body of [{}, { job_id: "1" }, { job_id: crypto.randomUUID(), force: true }]) {
    assertRefused(await call(fetch, owner, "job-cancel", body), 400, "VALIDATION_ERROR");
  }
  const unknown = { job_id: crypto.randomUUID() };
  assertRefused(await call(fetch, owner, "job-cancel", unknown), 404, "JOB_NOT_FOUND");
});
