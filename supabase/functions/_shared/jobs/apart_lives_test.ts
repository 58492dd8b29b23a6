/** A worker that leaves has jobs to end while the next one lives in the same process. */
import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions } from "./options.ts";
import { Processor } from "./processor.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

const LIFE_MS = 20_000;
/** From then on it takes no more. */
const LEAVES_AFTER_MS = LIFE_MS - defaultOptions.slice_margin_ms;

function setUp() {
  const clock = new FakeClock();
  const store = new MemoryStore(() => clock.now());
  const running = new Set<string>();
  const met = new Map<string, string[]>();
  const job = defineJob({
    type: "test_job",
    params: z.object({ name: z.string(), ms: z.number() }),
    checkpoint: z.never(),
    result: z.null(),
    async run(ctx) {
      const { name, ms } = ctx.params;
      met.set(name, [...running]);
      running.add(name);
      await ctx.sleep(ms).finally(() => running.delete(name));
      return null;
    },
  });
  const parts = {
    store,
    jobs: [job],
    deps: {},
    db: noDb,
    clock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, budget_ms: LIFE_MS },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  };
  let lives = 0;
  const processor = new Processor(
    (isAlone) => new Worker({ ...parts, id: `worker-${lives += 1}`, isAlone }),
    (error) => assert.fail(String(error)),
  );
  const add = (name: string, ms = 5) => store.add(claimedJob({ params: { name, ms } }));
  const addCrashed = (name: string, ms = 5) => Object.assign(add(name, ms), { hasCrashed: true });
  return { clock, processor, met, add, addCrashed };
}

Deno.test("what has crashed does not run beside what a worker that leaves has to end", async () => {
  const { clock, processor, met, add, addCrashed } = setUp();
  processor.ring();
  await clock.advance(100);
  add("long", LEAVES_AFTER_MS + 4_000);
  await clock.advance(LEAVES_AFTER_MS + 1_000);
  addCrashed("crashed");
  assert.equal(processor.ring().outcome, "started");
  add("other");
  await clock.advance(1_000);
  assert.deepEqual(met.get("other"), ["long"], "all others may");
  assert.ok(!met.has("crashed"));
  await clock.advance(6_000);
  assert.deepEqual(met.get("crashed"), []);
  await processor.unload();
});

Deno.test("nor does anything else run beside what has crashed, and is still running when its worker leaves", async () => {
  const { clock, processor, met, add, addCrashed } = setUp();
  addCrashed("crashed", LEAVES_AFTER_MS + 4_000);
  processor.ring();
  await clock.advance(LEAVES_AFTER_MS + 1_000);
  add("other");
  assert.equal(processor.ring().outcome, "started");
  await clock.advance(1_000);
  assert.ok(met.has("crashed") && !met.has("other"));
  await clock.advance(4_000);
  assert.deepEqual(met.get("other"), []);
  await processor.unload();
});
