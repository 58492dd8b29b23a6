/** Handlers that go on when they have ended, or do not when they are told to stop. */
import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import { memoryWorker } from "./memory_worker.ts";

Deno.test("a handler that leaves something running, which reports for ever, ends all the same", async () => {
  let stopped: unknown;
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    let reports = 0;
    const report = () => {
      try {
        ctx.progress(50, `report ${reports += 1}`);
        clock.after(30, report);
      } catch (error) {
        stopped = error;
      }
    };
    report();
    return Promise.resolve(null);
  });
  store.saveProgress = () => sleep(clock, 70).then(() => true);
  const row = add("job");
  worker.run();
  await clock.advance(500);
  assert.equal(row.status, "completed");
  assert.equal((stopped as Error).name, "JobAborted");
  await worker.shutdown();
});
