import assert from "node:assert/strict";
import { readFailures } from "./deno_report.ts";

const report = `running 2 tests from ./sums_test.ts
divides ...
------- output -------
nobody asks for this
----- output end -----
divides ... ok (2ms)
adds up ...
------- output -------
3 and 4
  Phase_1.json: Sign up: the status is 200: expected 429
----- output end -----
adds up ... FAILED (3ms)
running 1 test from ./late_test.ts
adds up ... cancelled (0ms)
Uncaught error from ./late_test.ts FAILED

 ERRORS 

adds up => ./sums_test.ts:3:6
error: AssertionError: 3 !== 4
    at file:///sums_test.ts:4:10

takes away ... in steps => ./sums_test.ts:9:6
error: AssertionError: running 1 test from ./inner_test.ts

 ERRORS 

inner => ./inner_test.ts:1:6
error: Error: no

 FAILURES 

inner => ./inner_test.ts:1:6

./late_test.ts (uncaught error)
error: (in promise) Error: late

 FAILURES 

adds up => ./sums_test.ts:3:6
takes away ... in steps => ./sums_test.ts:9:6
./late_test.ts (uncaught error)

FAILED | 5 passed | 4 failed (20ms)
`;

Deno.test("each failed test is reported with its title, its file and its error", () => {
  const failures = readFailures(report, 4);
  assert.deepEqual(failures.map((failure) => failure.split("\n").slice(0, 2)), [
    ["adds up => ./sums_test.ts:3:6", "error: AssertionError: 3 !== 4"],
    [
      "takes away ... in steps => ./sums_test.ts:9:6",
      "error: AssertionError: running 1 test from ./inner_test.ts",
    ],
    ["./late_test.ts (uncaught error)", "error: (in promise) Error: late"],
    ["adds up => ./late_test.ts", "cancelled when the file failed"],
  ]);
  assert.match(failures[1]!, /inner_test\.ts:1:6\nerror: Error: no/, "with all that it says");
});

Deno.test("a failed test is reported with what it printed, and no other test's words", () => {
  const [failure] = readFailures(report, 4);
  assert.match(failure!, /printed:\n-+ output -+\n3 and 4\n +Phase_1.+ expected 429/);
  assert.doesNotMatch(failure!, /nobody asks/);
});

Deno.test("of many lines that a failed test printed the last are reported", () => {
  const printed = Array.from({ length: 100 }, (_, n) => `line ${n}`).join("\n");
  const [failure] = readFailures(report.replace("3 and 4", printed), 4);
  assert.match(failure!, /\[\d+ lines left out\][^]+\nline 99\n/);
  assert.doesNotMatch(failure!, /line 10\n/);
});

Deno.test("a failure that the report does not explain is counted all the same", () => {
  assert.equal(readFailures(report, 6).length, 6);
});

Deno.test("a run that ends without a report is one failure with what it printed last", () => {
  assert.deepEqual(readFailures("error: Module not found\n", 1), ["error: Module not found"]);
});

Deno.test("a failure of many pages is cut, not at its beginning and not at its end", () => {
  const error = `Error: why${"x".repeat(99_000)}the cause`;
  const end = " FAILURES \n\nlong => ./a_test.ts:1:1\n";
  const [failure] = readFailures(` ERRORS \n\nlong => ./a_test.ts:1:1\n${error}\n\n${end}`, 1);
  assert.match(failure!, /^long => [^]+why[^]+characters left out[^]+the cause$/);
  assert.ok(failure!.length < 9_000);
});
