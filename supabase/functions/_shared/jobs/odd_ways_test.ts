/** Connections that are not what they seem. */
import assert from "node:assert/strict";
import { openQueue } from "./real_queue.ts";
import { openWorker } from "./real_worker.ts";
import { openStore } from "./store.ts";

Deno.test("behind a pooler that is marked so a worker polls, and does its jobs", async () => {
  await using queue = await openQueue();
  const store = openStore({ url: `${queue.url}?pgbouncer=true` });
  const ids = await queue.add(20);
  const { completed } = await openWorker({ ...queue, store }, async (ctx) => {
    await ctx.saveCheckpoint({ at: 1 });
    return null;
  }).run();
  assert.equal(completed, ids.length);
  assert.equal(await store.listen({ onReady() {}, onHandOver() {} }), null);
  await store.close();
});

Deno.test("what an attempt has recorded can be asked for when the answer was lost", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  await queue.add(5);
  const leases = (await store.claim("w", 5, [type]))
    .map(({ id, fencing_token }) => ({ job_id: id, fencing_token }));
  const [done, failed, back, running, lost] = leases;
  await store.complete([{ ...done!, result: { ok: true } }]);
  await store.fail([{
    ...failed!,
    error_code: "HANDLER_ERROR",
    error_message: "",
    retryable: false,
  }]);
  await store.giveBack([back!]);
  await queue.sql`select public.cancel_job(${lost!.job_id})`;
  assert.deepEqual(
    await store.readRecorded(leases),
    new Map([[done!.job_id, "completed"], [failed!.job_id, "failed"], [back!.job_id, "pending"]]),
  );
  await store.complete([{ ...running!, result: null }]);
  assert.deepEqual(await store.readRecorded([running!]), new Map([[running!.job_id, "completed"]]));
});

Deno.test("what was claimed for a worker that never heard of it can be given back as if it had not been", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  await queue.add(10);
  const claim = async (worker: string) =>
    (await store.claim(worker, 4, [type]))
      .map(({ id, fencing_token }) => ({ job_id: id, fencing_token }));
  const byId = (a: { job_id: string }, b: { job_id: string }) => a.job_id < b.job_id ? -1 : 1;
  const heard = await claim("w");
  const unheard = await claim("w");
  await claim("another");
  const unheardBy = async (known: typeof heard) => [...await store.readUnheard("w", known)];
  assert.deepEqual((await unheardBy(heard)).sort(byId), unheard.sort(byId));
  assert.equal((await unheardBy([])).length, 8);
  await store.giveBack(unheard.map((lease) => ({ ...lease, is_cut_short: true })));
  assert.deepEqual(await unheardBy(heard), []);
  for (const { job_id } of unheard) {
    const { status, crash_count, crash_streak } = await queue.row(job_id);
    assert.deepEqual([status, crash_count, crash_streak], ["pending", 0, 0]);
  }
});
