/** Claims whose answer is lost. */
import assert from "node:assert/strict";
import type { MemoryStore } from "./memory_store.ts";
import { memoryWorker } from "./memory_worker.ts";

for (const kind of ["claim", "claimCrashed"] as const) {
  Deno.test(`jobs of a ${kind} whose answer was lost run as soon as they have been given back`, async () => {
    const { clock, store, worker, add, addCrashed } = memoryWorker(() => Promise.resolve(null));
    const first = kind === "claim" ? add("job") : addCrashed("job");
    const running = add("other");
    const answer = store[kind] as MemoryStore["claimCrashed"];
    const lost: typeof answer = async (...asked) => {
      Object.assign(store, { [kind]: answer });
      await answer.apply(store, asked);
      throw new Error("the connection was cut");
    };
    Object.assign(store, { [kind]: lost });
    const given: (boolean | undefined)[] = [];
    const { giveBack } = store;
    store.giveBack = (jobs) => {
      given.push(...jobs.map(({ is_cut_short }) => is_cut_short));
      return giveBack.call(store, jobs);
    };
    worker.run();
    await clock.advance(2_500);
    assert.deepEqual([first.status, running.status], ["completed", "completed"]);
    assert.ok(given.length > 0 && given.every((isCutShort) => isCutShort), "no crash, no step");
    await clock.advance(1_000);
    assert.equal(store.calls.filter((call) => call === "unheard").length, 1);
    await worker.shutdown();
  });
}

Deno.test("one that somebody holds when it is to be given back is given back later", async () => {
  const { clock, store, worker, add } = memoryWorker(() => Promise.resolve(null));
  const row = add("job");
  const { claim } = store;
  store.claim = async (...asked) => {
    store.claim = claim;
    await claim.apply(store, asked);
    store.heldByOthers.add(row.job.id);
    throw new Error("the connection was cut");
  };
  worker.run();
  await clock.advance(2_500);
  assert.equal(row.status, "processing");
  store.heldByOthers.clear();
  await clock.advance(2_500);
  assert.equal(row.status, "completed");
  await worker.shutdown();
});

Deno.test("a worker that is never without claims comes to settle its doubts, too", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(30);
    return null;
  });
  const rows = Array.from({ length: 400 }, (_, n) => add(`job ${n}`));
  const { claim } = store;
  let claims = 0;
  store.claim = async (...asked) => {
    const jobs = await claim.apply(store, asked);
    await new Promise<void>((resolve) => clock.after(5, resolve));
    if ((claims += 1) === 3) throw new Error("the connection was cut");
    return jobs;
  };
  worker.run();
  await clock.advance(1_900);
  const open = rows.filter(({ status }) => status === "processing").length;
  assert.ok(open <= 8, `${open} hang`);
  assert.ok(store.calls.includes("unheard"));
  await clock.advance(2_000);
  assert.ok(rows.every(({ status }) => status === "completed"));
  await worker.shutdown();
});
