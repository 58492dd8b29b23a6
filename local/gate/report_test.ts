import assert from "node:assert/strict";
import { check } from "./outcome.ts";
import { GateReport } from "./report.ts";

Deno.test("a failed gate names its failures with their reasons, and once more at the end", async () => {
  const lines: string[] = [];
  const report = new GateReport((line) => lines.push(line.replace(/\(.+ s\)/, "(time)")));
  await report.run({ step: "lint", name: "" }, () => Promise.resolve(check(true, "")));
  await report.run(
    { step: "deno", name: "docs" },
    () => Promise.resolve({ passed: 2, failures: ["quotes => a_test.ts:1:1\nerror: why"] }),
  );
  await report.run({ step: "pgtap", name: "" }, () => Promise.reject(new Error("no database")));
  assert.equal(report.end(), false);
  assert.deepEqual(lines.map((line) => line.split("\n    at ")[0]), [
    "ok   lint         1 passed, 0 failed (time)",
    "FAIL deno docs    2 passed, 1 failed (time)",
    "    - quotes => a_test.ts:1:1\nerror: why",
    "FAIL pgtap        0 passed, 1 failed (time)",
    "    - pgtap could not run: Error: no database",
    "FAILED: quotes => a_test.ts:1:1",
    "FAILED: pgtap could not run: Error: no database",
    "3 passed, 2 failed",
  ]);
});

Deno.test("a gate in which nothing fails ends with its sum", async () => {
  const lines: string[] = [];
  const report = new GateReport((line) => lines.push(line));
  await report.run({ step: "lint", name: "" }, () => Promise.resolve(check(true, "")));
  assert.equal(report.end(), true);
  assert.equal(lines.at(-1), "1 passed, 0 failed");
});
