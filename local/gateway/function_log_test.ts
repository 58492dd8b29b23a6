import assert from "node:assert/strict";
import { functionLogFile } from "./function_log.ts";
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

Deno.test("a log that grew large becomes the old one", async () => {
  const path = await Deno.makeTempFile();
  const log = functionLogFile(path, 1000);
  for (let n = 1; n <= 30; n++) log({ function: "f", level: "info", message: `line ${n}` });
  const [current, old] = await Promise.all([path, `${path}.1`].map((p) => Deno.readTextFile(p)));
  assert.ok(current!.length < 1200 && old!.length < 1200);
  assert.ok(current!.includes('"line 30"'), "the newest is where one looks first");
  const numbers = (old! + current!).match(/line \d+/g);
  assert.deepEqual(numbers, numbers?.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
  await Promise.all([path, `${path}.1`].map((p) => Deno.remove(p)));
});
