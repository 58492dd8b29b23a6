import assert from "node:assert/strict";
import { readFailures } from "./deno_report.ts";

const report = `
adds up ... FAILED (3ms)

 ERRORS 

adds up => ./sums_test.ts:3:6
error: AssertionError: 3 !== 4
    at file:///sums_test.ts:4:10

takes away ... in steps => ./sums_test.ts:9:6
error: Error: no

./late_test.ts (uncaught error)
error: (in promise) Error: late

 FAILURES 

adds up => ./sums_test.ts:3:6
takes away ... in steps => ./sums_test.ts:9:6
./late_test.ts (uncaught error)

FAILED | 5 passed | 3 failed (20ms)
`;

Deno.test("each failed test is reported with its title, its file and its error", () => {
  const failures = readFailures(report, 3);
  assert.deepEqual(failures.map((failure) => failure.split("\n").slice(0, 2)), [
    ["adds up => ./sums_test.ts:3:6", "error: AssertionError: 3 !== 4"],
    ["takes away ... in steps => ./sums_test.ts:9:6", "error: Error: no"],
    ["./late_test.ts (uncaught error)", "error: (in promise) Error: late"],
  ]);
});

Deno.test("a failure that the report does not explain is counted all the same", () => {
  assert.equal(readFailures(report, 5).length, 5);
});

Deno.test("a run that ends without a report is one failure with what it printed last", () => {
  assert.deepEqual(readFailures("error: Module not found\n", 1), ["error: Module not found"]);
});

Deno.test("a failure of many pages is cut", () => {
  const [failure] = readFailures(` ERRORS \n\nlong => ./a_test.ts:1:1\n${"x".repeat(9_000)}`, 1);
  assert.equal(failure!.length, 3_000);
});
