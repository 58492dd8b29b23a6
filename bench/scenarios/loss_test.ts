import assert from "node:assert/strict";
import { measureLoss } from "./loss.ts";

/** A drain that only says how fast it was. */
function drained(jobsPerSecond: number, cpuMicros: number) {
  return {
    jobsPerSecond,
    walBytesPerJob: 0,
    workerCpuMicrosPerJob: 10,
    databaseCpuMicrosPerJob: cpuMicros,
  };
}

Deno.test("a loss is the share of the speed that the hindrance takes, whichever drain is first", async () => {
  for (const round of [0, 1]) {
    const order: string[] = [];

    const figures = await measureLoss("snapshot", round, true, {
      plain: () => (order.push("plain"), Promise.resolve(drained(40_000, 10))),
      hindered: () => (order.push("hindered"), Promise.resolve(drained(30_000, 15))),
    });

    assert.deepEqual(figures, {
      snapshot_plain_drain: 40_000,
      snapshot_drain: 30_000,
      snapshot_loss: 0.25,
      snapshot_cpu_growth: 0.25,
    });
    const [first, second] = round === 0 ? ["plain", "hindered"] : ["hindered", "plain"];
    assert.deepEqual(order, [first, second, second, first]);
  }
});

Deno.test("a machine that gets slower during a measurement makes no loss", async () => {
  let speed = 40_000;
  const drain = () => Promise.resolve(drained(speed -= 1_000, 10));

  const { snapshot_loss } = await measureLoss("snapshot", 0, true, {
    plain: drain,
    hindered: drain,
  });

  assert.equal(snapshot_loss, 0);
});
