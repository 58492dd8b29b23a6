import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";
import { withStoredJobs } from "../_shared/testing/stored_jobs.ts";

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

stackTest("job-status counts a parent's children and lists the first fifty", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  await withStoredJobs(stack, async (stored) => {
    const parent_job_id = await stored.add(owner, "pending", { held_by: "children", turn: null });
    // Counts that are true, or the sweep would put them right.
    for (let n = 0; n < 62; n++) {
      const key = { parent_job_id, dedupe_key: `key:part ${String(n).padStart(2, "0")}` };
      await stored.add(owner, n === 0 ? "failed" : n < 60 ? "completed" : "processing", key);
    }
    await stored.addBatch(parent_job_id, {
      total: 62,
      completed: 59,
      failed: 1,
      is_awaited: true,
      created_at: new Date(Date.now() - 60_000),
    });

    const { body: { job } } = await call(fetch, owner, `job-status?job_id=${parent_job_id}`);

    assert.equal(job.waiting_for, "children");
    assert.ok(job.progress.eta_seconds >= 2 && job.progress.eta_seconds <= 4, "60 of 62 took 60 s");
    const { items, ...counts } = job.children;
    assert.deepEqual(counts, { total: 62, completed: 59, failed: 1, cancelled: 0, active: 2 });
    assert.equal(items.length, 50);
    assert.deepEqual(items[0], {
      id: items[0].id,
      key: "part 00",
      type: stored.type,
      status: "failed",
      progress: { percent: 0 },
      error: { code: "HANDLER_ERROR", message: "It broke." },
    });
    const part = await call(fetch, owner, `job-status?job_id=${items[1].id}`);
    assert.equal(part.body.job.parent_job_id, parent_job_id);
    assert.equal("children" in part.body.job, false);
  });
});

stackTest("job-status shows a stranger neither a parent nor its children", async () => {
  const { fetch, stack } = await open();
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  await withStoredJobs(stack, async (stored) => {
    const parent = await stored.add(owner, "completed");
    const child = await stored.add(owner, "completed", { parent_job_id: parent });
    await stored.addBatch(parent, { total: 1, completed: 1 });
    for (const id of [parent, child]) {
      const path = `job-status?job_id=${id}`;
      assert.equal((await call(fetch, owner, path)).status, 200);
      assertRefused(await call(fetch, stranger, path), 404, "JOB_NOT_FOUND");
      assertRefused(await call(fetch, null, path), 401, "UNAUTHENTICATED");
    }
  });
});

stackTest("job-status says what a pending job waits for", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  await withStoredJobs(stack, async (stored) => {
    const later = { turn: null, scheduled_for: "2999-01-01T00:00:00Z" };
    const failed = { retry_count: 1, error_code: "PROVIDER_UNAVAILABLE" };
    const cases = [
      [null, {}],
      ["schedule", later],
      ["retry", { ...later, ...failed }],
      ["pause", { turn: null, held_by: "user_pause" }],
    ] as const;
    for (const [waiting_for, columns] of cases) {
      const id = await stored.add(owner, "pending", columns);
      const { body: { job } } = await call(fetch, owner, `job-status?job_id=${id}`);
      assert.deepEqual([job.status, job.waiting_for, job.error], ["pending", waiting_for, null]);
    }
  });
});

stackTest("job-status estimates the rest of a job that runs in slices", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  const { data: id } = await owner.client.rpc("create_job", {
    p_user_id: owner.id,
    p_job_type: "self_test",
    p_params: { steps: 16, step_ms: 250, yield_every: 4 },
  }).throwOnError();

  const estimates = [];
  for (;;) {
    const { body: { job } } = await call(fetch, owner, `job-status?job_id=${id}`);
    const { percent, eta_seconds } = job.progress;
    if (percent === 0 || job.completed_at) assert.equal(eta_seconds, null);
    if (eta_seconds !== null) estimates.push(eta_seconds);
    if (job.completed_at) {
      assert.equal(job.status, "completed");
      // The time of the worker itself may be over meanwhile, which is another slice.
      assert.ok([4, 5].includes(job.result.slices), `${job.result.slices} slices`);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  assert.ok(estimates.length > 0, "two seconds in, there is an estimate");
  assert.ok(estimates.every((seconds) => seconds > 0 && seconds < 60), String(estimates));
});

stackTest("job-status takes no notice of what else stands in the query", async () => {
  const { fetch, stack } = await open();
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  await withStoredJobs(stack, async (stored) => {
    const path = `job-status?job_id=${await stored.add(owner, "completed")}`;
    assert.equal((await call(fetch, owner, `${path}&_=1700000000`)).status, 200);
    const disguised = await call(fetch, stranger, `${path}&user_id=${owner.id}`);
    assertRefused(disguised, 404, "JOB_NOT_FOUND");
  });
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
