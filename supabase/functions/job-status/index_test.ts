import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

stackTest("job-status shows the owner a job from beginning to end", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  await owner.connectYouTube(accountWith(3));
  const id = await owner.startSync();
  const first = await call(fetch, owner, `job-status?job_id=${id}`);
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("cache-control"), "private, no-cache");
  assert.deepEqual([first.body.job.id, first.body.job.type], [id, "sync_youtube"]);
  await owner.waitForJob(id, ({ status }) => status === "completed");
  const { body: { job } } = await call(fetch, owner, `job-status?job_id=${id}`);
  assert.deepEqual([job.status, job.error, job.result.total], ["completed", null, 3]);
  assert.deepEqual([job.progress.percent, job.progress.eta_seconds], [100, null]);
  for (const time of [job.created_at, job.started_at, job.completed_at, job.updated_at]) {
    assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  }
});

stackTest("job-status answers 304 to who has the current state", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  await owner.connectYouTube(accountWith(3));
  const id = await owner.startSync();
  await owner.waitForJob(id, ({ status }) => status === "completed");
  const ask = (headers: Record<string, string>) =>
    fetch(
      new Request(`http://function/job-status?job_id=${id}`, {
        headers: { authorization: `Bearer ${owner.token}`, ...headers },
      }),
    );
  const etag = (await ask({})).headers.get("etag")!;
  assert.equal((await ask({ "if-none-match": etag })).status, 304);
});

stackTest("job-status hides a job from strangers and from who is not signed in", async () => {
  const { fetch, stack } = await open();
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  await owner.connectYouTube(accountWith(3));
  const path = `job-status?job_id=${await owner.startSync()}`;
  assert.equal((await call(fetch, owner, path)).status, 200);
  assertRefused(await call(fetch, stranger, path), 404, "JOB_NOT_FOUND");
  assertRefused(await call(fetch, null, path), 401, "UNAUTHENTICATED");
});

stackTest("job-status refuses a query without a job and a body", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  for (const path of ["job-status", "job-status?job_id=1", "job-status?id="]) {
    assertRefused(await call(fetch, person, path), 400, "VALIDATION_ERROR");
  }
  const unknown = `job-status?job_id=${crypto.randomUUID()}`;
  assertRefused(await call(fetch, person, unknown), 404, "JOB_NOT_FOUND");
  assertRefused(await call(fetch, person, unknown, {}), 405, "METHOD_NOT_ALLOWED");
});
