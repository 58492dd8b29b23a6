import assert from "node:assert/strict";
import { memoryWorker } from "./memory_worker.ts";

Deno.test("drained() resolves when nothing is left, with what was done since it was asked", async () => {
  const { clock, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(100);
    return { ok: true };
  });
  add();
  worker.run();
  await clock.advance(300);
  for (let n = 0; n < 20; n += 1) add();
  let counts: unknown;
  worker.drained().then((done) => counts = done);
  await clock.advance(150);
  assert.equal(counts, undefined);
  await clock.advance(1_000);
  assert.deepEqual(counts, {
    claimed: 20,
    completed: 20,
    failed: 0,
    retried: 0,
    yielded: 0,
    waiting: 0,
    cancelled: 0,
    lost: 0,
  });
});

Deno.test("drained() is not fooled by a claim that found a capped type in other hands", async () => {
  const { clock, store, worker, add } = memoryWorker(() => Promise.resolve({ ok: true }));
  const life = worker.run();
  await clock.advance(100);
  let blocked = 3;
  const claim = store.claim.bind(store);
  store.claim = async (...args) => (blocked -= 1) >= 0 ? [] : await claim(...args);
  add();
  const drained = worker.drained();
  await clock.advance(1_000);
  assert.equal((await drained).completed, 1);
  await clock.advance(30_000);
  await life;
});

Deno.test("drained() does not wait for what nobody may start", async () => {
  const { clock, store, worker } = memoryWorker(() => Promise.resolve({ ok: true }));
  store.hasDueWork = () => Promise.resolve(true);
  worker.run();
  let isDrained = false;
  worker.drained().then(() => isDrained = true);
  await clock.advance(100);
  assert.equal(isDrained, false);
  await clock.advance(900);
  assert.equal(isDrained, true);
});
