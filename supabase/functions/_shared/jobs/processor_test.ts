import assert from "node:assert/strict";
import { type Counts, noCounts } from "./counts.ts";
import { Processor, type WorkerLife } from "./processor.ts";

class FakeWorker implements WorkerLife {
  readonly ended = Promise.withResolvers<Counts>();
  leaving = false;
  isApart = false;
  isFull = false;
  nudges = 0;
  counts = noCounts();
  retire = () => void (this.leaving = true);
  stopped = false;
  constructor(readonly id: string) {}

  run(): Promise<Counts> {
    return this.ended.promise;
  }
  nudge(): void {
    this.nudges += 1;
  }
  drained(): Promise<Counts> {
    this.counts = { ...noCounts(), claimed: 3 };
    return Promise.resolve(this.counts);
  }
  async shutdown(): Promise<void> {
    await Promise.resolve(this.stopped = true);
  }
}

function setUp() {
  const workers: FakeWorker[] = [];
  const crashes: unknown[] = [];
  const processor = new Processor(() => {
    const worker = new FakeWorker(`worker-${workers.length + 1}`);
    workers.push(worker);
    return worker;
  }, (error) => crashes.push(error));
  return { processor, workers, crashes };
}

Deno.test("the first ring starts a worker, the second makes it look again", () => {
  const { processor, workers } = setUp();
  assert.equal(processor.ring().outcome, "started");
  const second = processor.ring();
  assert.deepEqual([second.worker_id, second.outcome], ["worker-1", "awake"]);
  assert.deepEqual([workers.length, workers[0]!.nudges], [1, 1]);
});

Deno.test("a ring that finds the worker full starts another, up to eight of them", () => {
  const { processor, workers } = setUp();
  const ringWhenFull = () => {
    for (const worker of workers) worker.isFull = true;
    return processor.ring().outcome;
  };
  assert.deepEqual(Array.from({ length: 8 }, ringWhenFull), Array(8).fill("started"));
  assert.equal(ringWhenFull(), "awake");
  assert.equal(workers.length, 8);
});

Deno.test("while one has room, or runs what has crashed, no other is started", () => {
  const { processor, workers } = setUp();
  processor.ring();
  workers[0]!.isFull = true;
  assert.equal(processor.ring().outcome, "started");
  assert.equal(processor.ring().outcome, "awake");
  workers[1]!.isFull = workers[1]!.isApart = true;
  assert.equal(processor.ring().outcome, "awake");
  assert.deepEqual(workers.map(({ nudges }) => nudges), [2, 2]);
});

Deno.test("a ring that finds the worker leaving starts the next one, and waits for both", async () => {
  const { processor, workers } = setUp();
  processor.ring();
  workers[0]!.leaving = true;
  const ring = processor.ring();
  assert.deepEqual([ring.worker_id, ring.outcome], ["worker-2", "started"]);
  let over = false;
  ring.life.then(() => over = true);
  workers[1]!.ended.resolve(noCounts());
  await Promise.resolve();
  assert.equal(over, false);
  workers[0]!.ended.resolve(noCounts());
  await ring.life;
});

Deno.test("a worker that crashed is reported, and the next ring starts another", async () => {
  const { processor, workers, crashes } = setUp();
  const { life } = processor.ring();
  workers[0]!.ended.reject(new Error("broken"));
  await life;
  assert.equal(crashes.length, 1);
  assert.equal(processor.ring().worker_id, "worker-2");
});

Deno.test("unloading stops the worker and takes no more rings", async () => {
  const { processor, workers } = setUp();
  processor.ring();
  await processor.unload();
  assert.equal(workers[0]!.stopped, true);
  assert.throws(() => processor.ring(), { code: "SERVICE_UNAVAILABLE" });
});

Deno.test("unloading stops a worker that is leaving, too: it may still have jobs to give back", async () => {
  const { processor, workers } = setUp();
  processor.ring();
  workers[0]!.leaving = true;
  processor.ring();
  await processor.unload();
  assert.deepEqual(workers.map(({ stopped }) => stopped), [true, true]);
});

Deno.test("unloading waits for all workers, also when one of them fails at it", async () => {
  const { processor, workers } = setUp();
  processor.ring();
  workers[0]!.isFull = true;
  processor.ring();
  const slow = Promise.withResolvers<void>();
  workers[0]!.shutdown = () => Promise.reject(new Error("broken"));
  workers[1]!.shutdown = () => slow.promise;
  let isOver = false;
  const unloaded = processor.unload().finally(() => isOver = true);
  unloaded.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(isOver, false);
  slow.resolve();
  await unloaded;
});

Deno.test("drained() answers what all workers did, and nothing without one", async () => {
  const { processor, workers } = setUp();
  assert.equal((await processor.drained()).claimed, 0);
  processor.ring();
  workers[0]!.isFull = true;
  processor.ring();
  assert.equal((await processor.drained()).claimed, 6);
  assert.equal((await processor.drained()).claimed, 0);
});
