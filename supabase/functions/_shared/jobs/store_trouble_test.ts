import assert from "node:assert/strict";
import { sleep, systemClock } from "./clock.ts";
import { CallTimeout, Pool } from "./pool.ts";
import { openQueue } from "./real_queue.ts";
import { openWorker } from "./real_worker.ts";
import { SilentWay } from "./silent_way.ts";
import { openStore } from "./store.ts";

/** A queue, and a store that reaches it by a way which can fall silent. */
async function openSilentQueue(callTimeoutMs = 2_000) {
  const queue = await openQueue();
  const { way, url } = SilentWay.to(queue.url);
  const store = openStore({ url, callTimeoutMs, listenProofMs: callTimeoutMs });
  return {
    ...queue,
    store,
    way,
    async [Symbol.asyncDispose]() {
      await store.close();
      way.close();
      await queue[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a result that breaks off half-way leaves no holes in the next one", async () => {
  await using queue = await openQueue();
  const pool = new Pool({
    url: queue.url,
    maxConnections: 1,
    pooled: false,
    serverTimeoutMs: 5_000,
  });
  const sql = pool.tag(5_000);
  try {
    await assert.rejects(
      sql`select 1 / (5 - n) from generate_series(1, 6) as n`,
      /division by zero/,
    );
    assert.deepEqual(await sql`select 42 as answer`, [{ answer: 42 }]);
  } finally {
    await pool.close();
  }
});

Deno.test("a call that gets no answer is given up, and the next one has a connection that works", async () => {
  await using queue = await openSilentQueue();
  await queue.add();
  assert.equal((await queue.store.claim("w", 1, ["another_type"])).length, 0);
  queue.way.silence();
  const askedAt = performance.now();
  const error = await queue.store.claim("w", 1, [queue.type]).catch((error) => error);
  assert.ok(error instanceof CallTimeout, String(error));
  assert.ok(performance.now() - askedAt < 6_000);
  assert.equal(queue.store.isBadInput(error), false);
  assert.equal((await queue.store.claim("w", 1, [queue.type])).length, 1);
});

Deno.test("the server is told to give up as well, so that nothing goes on behind our back", async () => {
  await using queue = await openQueue({ callTimeoutMs: 3_000 });
  const [id] = await queue.add();
  const [job] = await queue.store.claim("w", 1, [queue.type]);
  const lease = { job_id: id!, fencing_token: job!.fencing_token };
  const release = Promise.withResolvers<void>();
  const holding = queue.sql.begin(async (sql) => {
    await sql`select from public.job_queue where id = ${id!} for update`;
    await release.promise;
  });
  await sleep(systemClock, 100);
  const error = await queue.store.saveCheckpoint(lease, { at: 1 }).catch((error) => error);
  release.resolve();
  await holding;
  assert.equal(error.code, "57014", String(error));
  assert.equal(await queue.store.saveCheckpoint(lease, { at: 2 }), true);
});

Deno.test("a claim passes writes that wait for a row", async () => {
  await using queue = await openQueue();
  const { sql, store, type } = queue;
  const [id] = await queue.add();
  const [job] = await store.claim("w", 1, [type]);
  const lease = { job_id: id!, fencing_token: job!.fencing_token };
  await queue.add();
  const release = Promise.withResolvers<void>();
  const holding = sql.begin(async (sql) => {
    await sql`select from public.job_queue where id = ${id!} for update`;
    await release.promise;
  });
  await sleep(systemClock, 100);
  let written = 0;
  const writes = [1, 2, 3].map((at) =>
    store.saveCheckpoint(lease, { at }).then(() => written += 1)
  );
  assert.equal((await store.claim("w", 2, [type])).length, 1);
  assert.equal(written, 0);
  release.resolve();
  await Promise.all([holding, ...writes]);
});

Deno.test("LISTEN that gets no answer means polling, not waiting", async () => {
  await using queue = await openSilentQueue();
  queue.way.isDead = true;
  const askedAt = performance.now();
  assert.equal(await queue.store.listen({ onReady() {}, onHandOver() {} }), null);
  assert.ok(performance.now() - askedAt < 6_000);
});

Deno.test("a worker whose connections fall silent again and again still ends every job and leaves", async () => {
  await using queue = await openSilentQueue(700);
  await queue.sql`
    update public.job_type set lease = '2 seconds', max_crashes = 100 where name = ${queue.type}`;
  const ids = await queue.add(30);
  const worker = openWorker(queue, async (ctx) => {
    await ctx.saveCheckpoint({ at: 1 });
    await ctx.sleep(100);
    return null;
  });
  const life = worker.run();
  for (let times = 0; times < 3; times += 1) {
    await sleep(systemClock, 150);
    queue.way.silence();
  }
  await life;
  // A claim whose answer was lost costs a lease; whoever comes next takes those.
  for (let rows = [{}], late = 0; rows.length > 0; late += 1) {
    assert.ok(late < 10, `still open: ${JSON.stringify(rows)}`);
    await sleep(systemClock, 2_000);
    await openWorker(queue, () => Promise.resolve(null)).run();
    rows = await queue.sql`
      select status from public.job_queue where id in ${queue.sql(ids)} and status <> 'completed'`;
  }
});

Deno.test("an answer that came while the process stood still is heard", async () => {
  await using queue = await openQueue({ callTimeoutMs: 1_000 });
  await queue.store.claim("w", 1, ["another_type"]);
  await queue.add();
  const claimed = queue.store.claim("w", 1, [queue.type]);
  await sleep(systemClock, 0);
  for (const end = performance.now() + 1_500; performance.now() < end;);
  assert.equal((await claimed).length, 1);
});
