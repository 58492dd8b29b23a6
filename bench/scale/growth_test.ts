import assert from "node:assert/strict";
import { lineOf } from "./growth.ts";

const measure = { name: "claim", limitMs: 10 };

Deno.test("growth is that of the CPU time, from the first size to the last", () => {
  const line = lineOf(measure, [
    { ms: 2, cpuMs: 1, paceMs: 1 },
    { ms: 9, cpuMs: 4, paceMs: 1 },
    { ms: 8, cpuMs: 1.4, paceMs: 1 },
  ]);

  assert.deepEqual([line.times, line.growth, line.verdict], [[2, 9, 8], 1.4, "ok"]);
});

Deno.test("what grows by more than half is told, as is what is over its limit", () => {
  const growing = lineOf(measure, [{ ms: 2, cpuMs: 1, paceMs: 1 }, { ms: 3, cpuMs: 2, paceMs: 1 }]);
  const slow = lineOf(measure, [{ ms: 11, cpuMs: 1, paceMs: 1 }, { ms: 11, cpuMs: 1, paceMs: 1 }]);

  assert.deepEqual([growing.verdict, slow.verdict], ["grows", "too slow"]);
});

Deno.test("what only grows because the machine got slower does not grow", () => {
  const line = lineOf(measure, [{ ms: 2, cpuMs: 1, paceMs: 2 }, { ms: 4, cpuMs: 2, paceMs: 4 }]);

  assert.equal(line.growth, 1);
});
