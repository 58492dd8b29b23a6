import assert from "node:assert/strict";
import { LogQuota } from "./log_quota.ts";

Deno.test("a process may write so many lines in ten seconds, and again in the next", () => {
  let now = 0;
  const quota = new LogQuota(3, () => now);
  const take = () => [1, 2, 3, 4].map(() => quota.take());
  assert.deepEqual(take(), [true, true, "last", false]);
  now += 9_999;
  assert.equal(quota.take(), false);
  now += 1;
  assert.deepEqual(take(), [true, true, "last", false]);
});
