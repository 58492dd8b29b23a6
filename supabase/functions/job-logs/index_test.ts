import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";
import { type StoredJobs, withStoredJobs } from "../_shared/testing/stored_jobs.ts";

type Line = { id: number; level: string; message: string };
type Run = Awaited<ReturnType<typeof open>> & { stored: StoredJobs; job_id: string };

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const owner = await Person.signUp(stack);
  const read = async (query: string) => {
    const { status, body } = await call(fetch, owner, `job-logs?${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body as { logs: Line[]; total_count: number };
  };
  return { fetch, stack, owner, read };
}

/** A test with a job that has said three things, the second of them twice as loud. */
function logTest(name: string, run: (test: Run) => Promise<void>): void {
  stackTest(name, async () => {
    const test = await open();
    await withStoredJobs(test.stack, async (stored) => {
      const job_id = await stored.add(test.owner, "completed");
      await stored.addLog(job_id, [
        { log_level: "info", message: "one" },
        { log_level: "error", message: "two", metadata: { page: 2 } },
        { log_level: "info", message: "three" },
      ]);
      await run({ ...test, stored, job_id });
    });
  });
}

const messages = ({ logs }: { logs: Line[] }) => logs.map(({ message }) => message);

logTest("job-logs shows what a job had to say, oldest first", async (test) => {
  const { fetch, owner, job_id } = test;
  const { status, headers, body } = await call(fetch, owner, `job-logs?job_id=${job_id}`);
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "private, no-cache");
  const [one, two] = body.logs;
  assert.deepEqual([body.success, body.total_count], [true, 3]);
  assert.deepEqual(messages(body), ["one", "two", "three"]);
  assert.deepEqual(two, {
    id: two.id,
    level: "error",
    message: "two",
    metadata: { page: 2 },
    created_at: two.created_at,
  });
  assert.ok(one.id < two.id);
  assert.match(two.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

logTest("job-logs filters by level", async ({ job_id, read }) => {
  assert.deepEqual(messages(await read(`job_id=${job_id}&level=error`)), ["two"]);
  assert.deepEqual(await read(`job_id=${job_id}&level=debug`), {
    success: true,
    logs: [],
    total_count: 0,
  });
});

logTest("job-logs pages and counts the whole, also behind the end", async ({ job_id, read }) => {
  assert.deepEqual(messages(await read(`job_id=${job_id}&limit=2`)), ["one", "two"]);
  assert.deepEqual(messages(await read(`job_id=${job_id}&limit=2&offset=2`)), ["three"]);
  for (const page of ["limit=1", "limit=500", "offset=2", "offset=3", "offset=10000"]) {
    assert.equal((await read(`job_id=${job_id}&${page}`)).total_count, 3, page);
  }
  const { total_count } = await read(`job_id=${job_id}&level=info&offset=5`);
  assert.equal(total_count, 2, "of what was asked for");
});

logTest("job-logs is silent about a job that has said nothing", async ({ owner, stored, read }) => {
  const job_id = await stored.add(owner, "pending");
  assert.deepEqual(await read(`job_id=${job_id}`), { success: true, logs: [], total_count: 0 });
});

logTest("job-logs knows no job of somebody else", async ({ fetch, stack, stored, job_id }) => {
  const neighbour = await Person.signUp(stack);
  const theirs = await stored.add(neighbour, "completed");
  await stored.addLog(theirs, [{ message: "theirs" }]);
  const path = `job-logs?job_id=${job_id}`;

  const own = await call(fetch, neighbour, `job-logs?job_id=${theirs}`);
  assert.deepEqual(messages(own.body), ["theirs"]);
  assertRefused(await call(fetch, neighbour, path), 404, "JOB_NOT_FOUND");
  assertRefused(await call(fetch, neighbour, `${path}&offset=5`), 404, "JOB_NOT_FOUND");
  assertRefused(await call(fetch, null, path), 401, "UNAUTHENTICATED");
});

stackTest("job-logs refuses what it does not understand", async () => {
  const { fetch, owner } = await open();
  const job_id = crypto.randomUUID();
  for (
    const query of [
      "",
      "job_id=1",
      "job_id=",
      `job_id=${job_id}&job_id=${job_id}`,
      `job_id=${job_id}&level=loud`,
      `job_id=${job_id}&level=`,
      `job_id=${job_id}&limit=0`,
      `job_id=${job_id}&limit=501`,
      `job_id=${job_id}&limit=1e2`,
      `job_id=${job_id}&offset=-1`,
      `job_id=${job_id}&offset=10001`,
      `job_id=${job_id}&cursor=abc`,
      `job_id=${job_id}&user_id=${job_id}`,
    ]
  ) {
    const answer = await call(fetch, owner, `job-logs?${query}`);
    assert.equal(answer.body.error?.code, "VALIDATION_ERROR", query);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  assertRefused(await call(fetch, owner, `job-logs?job_id=${job_id}`), 404, "JOB_NOT_FOUND");
});

stackTest("job-logs is for reading", async () => {
  const { fetch, owner } = await open();
  const answer = await call(fetch, owner, `job-logs?job_id=${crypto.randomUUID()}`, {});
  assertRefused(answer, 405, "METHOD_NOT_ALLOWED");
  assert.equal(answer.headers.get("allow"), "GET, HEAD, OPTIONS");
});
