/** Jobs that have crashed once run a few together, and a long one among them holds up none. */
import assert from "node:assert/strict";
import { memoryWorker, type NamedContext } from "./memory_worker.ts";
import { defaultOptions } from "./options.ts";

const COMPANY = 3;

function setUp() {
  const running = new Set<string>();
  const startedAt = new Map<string, number>();
  let most = 0;
  let others = 0;
  const world = memoryWorker(async (ctx: NamedContext) => {
    const { name } = ctx.params;
    const [what, ms] = name.split(" ") as [string, string];
    startedAt.set(name, world.clock.now());
    running.add(name);
    const crashed = [...running].filter((other) => !other.startsWith("other")).length;
    most = Math.max(most, crashed);
    if (crashed > 0 && (what === "other" || running.size > crashed)) others += 1;
    await ctx.sleep(Number(ms)).finally(() => running.delete(name));
    return null;
  }, { linger_ms: 60_000 });
  world.store.company = COMPANY;
  return { ...world, startedAt, met: () => ({ most, others }) };
}

Deno.test("when one of a group has ended, the next joins those that still run", async () => {
  const { clock, store, worker, startedAt, addCrashed, met } = setUp();
  addCrashed("long 9000");
  for (let n = 0; n < 20; n += 1) addCrashed(`short ${500 + n}`);
  worker.run();
  await clock.advance(8_000);
  assert.equal(startedAt.size, 21);
  assert.deepEqual(met(), { most: COMPANY, others: 0 });
  await clock.advance(2_000);
  assert.ok(Array.from(store.rows.values()).every(({ status }) => status === "completed"));
  await worker.shutdown();
});

Deno.test("they join for a while only: then other work has its turn", async () => {
  const { clock, worker, startedAt, add, addCrashed, met } = setUp();
  for (let n = 0; n < 100; n += 1) addCrashed(`crashed ${900 + n}`);
  worker.run();
  await clock.advance(100);
  add("other 1");
  await clock.advance(defaultOptions.crash_patience_ms + 1_500);
  assert.ok(startedAt.has("other 1"));
  const before = startedAt.size;
  assert.ok(before > 25, `${before} have started by then`);
  await clock.advance(60_000);
  assert.ok(startedAt.size > before);
  assert.deepEqual(met(), { most: COMPANY, others: 0 });
  await worker.shutdown();
});

Deno.test("what ends while the next ones are asked for opens the process to nothing else", async () => {
  const { clock, store, worker, startedAt, addCrashed, met, add } = setUp();
  const { claimCrashed } = store;
  store.claimCrashed = async (...asked) => {
    const jobs = await claimCrashed.apply(store, asked);
    await new Promise<void>((resolve) => clock.after(300, resolve));
    return jobs;
  };
  for (let n = 0; n < 9; n += 1) addCrashed(`crashed ${100 + n}`);
  for (let n = 0; n < 5; n += 1) add(`other ${1_000 + n}`);
  worker.run();
  await clock.advance(10_000);
  assert.equal(startedAt.size, 14);
  assert.equal(met().others, 0);
  await worker.shutdown();
});
