import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";
import { type StoredJobs, withStoredJobs } from "../_shared/testing/stored_jobs.ts";

type Listed = { id: string; type: string; status: string };
type Run = Awaited<ReturnType<typeof open>> & { stored: StoredJobs };

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const owner = await Person.signUp(stack);
  const list = async (person: Person, query = "") => {
    const { status, body } = await call(fetch, person, `job-list${query && `?${query}`}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body as { jobs: Listed[]; total_count: number | null; next_cursor: string | null };
  };
  return { fetch, stack, owner, list };
}

function listTest(name: string, run: (test: Run) => Promise<void>): void {
  stackTest(name, async () => {
    const test = await open();
    await withStoredJobs(test.stack, (stored) => run({ ...test, stored }));
  });
}

const ids = ({ jobs }: { jobs: Listed[] }) => jobs.map(({ id }) => id);

/** Stores jobs that were created a minute apart, the first one first. */
async function addInTurn({ stored, owner }: Run, count: number): Promise<string[]> {
  const added = [];
  for (let n = 0; n < count; n++) {
    const created_at = new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString();
    added.push(await stored.add(owner, "completed", { created_at }));
  }
  return added;
}

listTest("job-list shows a job as job-status does, with its params", async (test) => {
  const { fetch, owner, stored } = test;
  const id = await stored.add(owner, "pending", {
    params: { topic: "cats" },
    job_priority: 7,
    progress_percent: 40,
    progress_message: "2 of 5",
    retry_count: 1,
    error_code: "PROVIDER_UNAVAILABLE",
    scheduled_for: "2999-01-01T00:00:00Z",
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:10Z",
    turn: null,
  });

  const answer = await call(fetch, owner, "job-list");

  assert.equal(answer.headers.get("cache-control"), "private, no-cache");
  assert.deepEqual(answer.body, {
    success: true,
    jobs: [{
      id,
      type: stored.type,
      status: "pending",
      waiting_for: "retry",
      priority: 7,
      params: { topic: "cats" },
      progress: { percent: 40, message: "2 of 5" },
      has_result: false,
      error: null,
      created_at: "2026-01-01T00:00:00.000Z",
      scheduled_for: "2999-01-01T00:00:00.000Z",
      started_at: null,
      completed_at: null,
      updated_at: "2026-01-01T00:00:10.000Z",
      retry_count: 1,
      crash_count: 0,
      seq: 0,
    }],
    total_count: 1,
    next_cursor: null,
  });
});

listTest(
  "job-list says that there is a result without sending it, and why a job failed",
  async (test) => {
    const { owner, stored, list } = test;
    await stored.add(owner, "failed");
    await stored.add(owner, "completed", { result: { found: 3 } });

    const { jobs } = await list(owner, "order_by=status");

    assert.partialDeepStrictEqual(jobs, [
      {
        status: "failed",
        has_result: false,
        error: { code: "HANDLER_ERROR", message: "It broke." },
      },
      { status: "completed", has_result: true, error: null },
    ]);
    assert.equal(JSON.stringify(jobs).includes("found"), false);
  },
);

listTest("job-list filters by status and by type", async ({ owner, stored, list }) => {
  const failed = await stored.add(owner, "failed");
  const running = await stored.add(owner, "processing");

  assert.deepEqual(ids(await list(owner, "status=failed")), [failed]);
  assert.deepEqual(ids(await list(owner, `status=processing&job_type=${stored.type}`)), [running]);
  assert.equal((await list(owner, `job_type=${stored.type}`)).total_count, 2);
  assert.deepEqual(await list(owner, "job_type=sync_youtube"), {
    success: true,
    jobs: [],
    total_count: 0,
    next_cursor: null,
  });
});

listTest("job-list is newest first, or in the order that is asked for", async (test) => {
  const { owner, list } = test;
  const [first, second, third] = await addInTurn(test, 3);

  assert.deepEqual(ids(await list(owner)), [third, second, first]);
  assert.deepEqual(ids(await list(owner, "order_by=created_at&order_dir=asc")), [
    first,
    second,
    third,
  ]);
  assert.deepEqual(ids(await list(owner, "order_dir=asc")), [first, second, third]);
  for (
    const column of ["updated_at", "completed_at", "scheduled_for", "job_type", "job_priority"]
  ) {
    assert.equal((await list(owner, `order_by=${column}`)).jobs.length, 3, column);
  }
});

listTest("job-list pages by offset and counts the whole, also behind the end", async (test) => {
  const { owner, list } = test;
  const newestFirst = (await addInTurn(test, 5)).reverse();

  assert.deepEqual(ids(await list(owner, "limit=2")), newestFirst.slice(0, 2));
  assert.deepEqual(ids(await list(owner, "limit=2&offset=4")), newestFirst.slice(4));
  for (const query of ["limit=1", "limit=100", "offset=4", "offset=5", "offset=10000"]) {
    assert.equal((await list(owner, query)).total_count, 5, query);
  }
  assert.deepEqual((await list(owner, "offset=5")).jobs, []);
});

listTest(
  "job-list pages by cursor over every job once, whatever is added meanwhile",
  async (test) => {
    const { owner, stored, list } = test;
    // Of one moment, as what one statement creates: only the id tells them apart.
    const added = [];
    for (let n = 0; n < 5; n++) {
      added.push(
        await stored.add(owner, "completed", { created_at: "2026-01-01T00:00:00.123456Z" }),
      );
    }

    const seen: string[] = [];
    let page = await list(owner, "limit=2");
    for (;;) {
      seen.push(...ids(page));
      if (page.next_cursor === null) break;
      await stored.add(owner, "completed");
      page = await list(owner, `limit=2&status=completed&cursor=${page.next_cursor}`);
      assert.equal(page.total_count, null, "a page by cursor is not counted");
    }

    assert.deepEqual(seen.toSorted(), added.toSorted());
  },
);

listTest("job-list gives a cursor for a full page that is newest first only", async (test) => {
  const { owner, list } = test;
  await addInTurn(test, 2);

  assert.equal(typeof (await list(owner, "limit=2")).next_cursor, "string");
  assert.equal((await list(owner, "limit=3")).next_cursor, null);
  assert.equal((await list(owner, "limit=2&order_dir=asc")).next_cursor, null);
});

listTest("job-list leaves out the children of a job", async ({ owner, stored, list }) => {
  const parent = await stored.add(owner, "completed");
  await stored.add(owner, "completed", { parent_job_id: parent });

  assert.deepEqual(ids(await list(owner)), [parent]);
});

listTest("job-list shows everybody their own jobs and nobody else's", async (test) => {
  const { fetch, stack, owner, stored, list } = test;
  const neighbour = await Person.signUp(stack);
  const newcomer = await Person.signUp(stack);
  const [mine, theirs] = [
    await stored.add(owner, "failed"),
    await stored.add(neighbour, "failed"),
  ];

  for (const query of ["", "status=failed", `job_type=${stored.type}`]) {
    assert.deepEqual(ids(await list(owner, query)), [mine], query);
    assert.deepEqual(ids(await list(neighbour, query)), [theirs], query);
    assert.deepEqual(await list(newcomer, query), {
      success: true,
      jobs: [],
      total_count: 0,
      next_cursor: null,
    });
  }
  const { next_cursor } = await list(owner, "limit=1");
  assert.deepEqual(ids(await list(neighbour, `cursor=${next_cursor}`)).includes(mine), false);
  assertRefused(await call(fetch, null, "job-list"), 401, "UNAUTHENTICATED");
});

listTest("job-list answers 304 to who has the current list", async ({ fetch, owner, stored }) => {
  await stored.add(owner, "completed");
  const ask = (headers: Record<string, string>) =>
    fetch(
      new Request("http://function/job-list", {
        headers: { authorization: `Bearer ${owner.token}`, ...headers },
      }),
    );
  const etag = (await ask({})).headers.get("etag")!;
  assert.equal((await ask({ "if-none-match": etag })).status, 304);
  await stored.add(owner, "completed");
  assert.equal((await ask({ "if-none-match": etag })).status, 200);
});

stackTest("job-list refuses what it does not understand", async () => {
  const { fetch, owner } = await open();
  for (
    const query of [
      "limit=0",
      "limit=101",
      "limit=-1",
      "limit=1e1",
      "limit=ten",
      "limit=",
      "limit=5&limit=6",
      "offset=-1",
      "offset=10001",
      "offset=1.5",
      "status=done",
      "status=",
      "job_type=Sync",
      "job_type=%00",
      "order_by=params",
      "order_by=created_at;drop table job_queue",
      "order_dir=down",
      "cursor=",
      "cursor=garbage",
      `cursor=${btoa('["2026-01-01T00:00:00Z","1"]')}`,
      `cursor=${btoa(`["2026-01-01T00:00:00Z","${crypto.randomUUID()}"]`)}&offset=1`,
      `cursor=${btoa(`["2026-01-01T00:00:00Z","${crypto.randomUUID()}"]`)}&order_dir=asc`,
      "type=sync_youtube",
      `user_id=${crypto.randomUUID()}`,
    ]
  ) {
    const answer = await call(fetch, owner, `job-list?${query}`);
    assert.equal(answer.body.error?.code, "VALIDATION_ERROR", query);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

stackTest("job-list is for reading", async () => {
  const { fetch, owner } = await open();
  const answer = await call(fetch, owner, "job-list", {});
  assertRefused(answer, 405, "METHOD_NOT_ALLOWED");
  assert.equal(answer.headers.get("allow"), "GET, HEAD, OPTIONS");
});
