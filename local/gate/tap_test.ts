import assert from "node:assert/strict";
import { readTap } from "./tap.ts";

Deno.test("readTap() counts passed assertions and keeps the reason of a failed one", () => {
  const report = readTap([
    "1..2",
    "ok 1 - fine",
    "not ok 2 - bad\n# Failed test 2: bad",
    "#  have: 1",
  ]);

  assert.equal(report.passed, 1);
  assert.equal(report.failures.length, 1);
  assert.match(report.failures[0]!, /bad[\s\S]*have: 1/);
});

Deno.test("readTap() calls a plan that was not kept a failure", () => {
  assert.deepEqual(readTap(["1..3", "ok 1"]).failures, ["planned 3 assertions, ran 1"]);
});

Deno.test("readTap() calls output without a plan a failure", () => {
  assert.equal(readTap(["ok 1"]).failures.length, 1);
});
