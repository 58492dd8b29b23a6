import assert from "node:assert/strict";
import { Budget, type BudgetLimits, processMeter } from "./budget.ts";
import { FakeClock } from "./testing.ts";

function setUp(limits: Partial<BudgetLimits>) {
  const clock = new FakeClock();
  const used = { cpu: 500 as number | null, memory: 50 as number | null };
  const meter = { cpuMs: () => used.cpu, memoryBytes: () => used.memory };
  const all = { wall_ms: 10_000, cpu_ms: null, memory_bytes: null, ...limits };
  return { clock, used, budget: new Budget(clock, all, meter) };
}

Deno.test("a budget is spent when its wall clock is over", async () => {
  const { clock, budget } = setUp({});
  await clock.advance(9_000);
  assert.deepEqual([budget.remaining(), budget.spent()], [1_000, null]);
  await clock.advance(1_000);
  assert.deepEqual([budget.remaining(), budget.spent()], [0, "wall_clock"]);
});

Deno.test("CPU time counts from the start of the budget, not of the process", () => {
  const { used, budget } = setUp({ cpu_ms: 1_000 });
  used.cpu = 1_400;
  assert.equal(budget.spent(), null);
  used.cpu = 1_500;
  assert.deepEqual([budget.spent(), budget.remaining()], ["cpu", 0]);
});

Deno.test("memory over its limit before any work was done does not keep a worker from working", () => {
  const { budget } = setUp({ memory_bytes: 50 });
  assert.equal(budget.spent(), null);
});

Deno.test("but it is watched all the same: a second life of a process that is full is no free one", () => {
  const { used, budget } = setUp({ memory_bytes: 50 });
  used.memory = 59;
  assert.equal(budget.spent(), null);
  const next = setUp({ memory_bytes: 50 });
  next.used.memory = 60;
  assert.equal(next.budget.spent(), "memory");
});

Deno.test("memory over its limit spends the budget", () => {
  const { used, budget } = setUp({ memory_bytes: 100 });
  used.memory = 100;
  assert.equal(budget.spent(), "memory");
});

Deno.test("memory is read once in a while, however often a budget is asked", async () => {
  const clock = new FakeClock();
  let readings = 0;
  const meter = { cpuMs: () => null, memoryBytes: () => ++readings };
  const limits = { wall_ms: 10_000, cpu_ms: null, memory_bytes: 10 };
  const budget = new Budget(clock, limits, meter);
  const before = readings;
  for (let asked = 0; asked < 100; asked += 1) budget.remaining();
  assert.equal(readings - before, 1);
  await clock.advance(1_000);
  assert.ok(budget.remaining() > 0);
  assert.equal(readings - before, 2);
});

Deno.test("what the platform does not tell is not watched", () => {
  const { used, budget } = setUp({ cpu_ms: 1, memory_bytes: 1 });
  used.cpu = used.memory = null;
  assert.equal(budget.spent(), null);
});

Deno.test("processMeter reads this process", () => {
  assert.ok(processMeter.cpuMs()! > 0);
  assert.ok(processMeter.memoryBytes()! > 0);
});
