import assert from "node:assert/strict";
import { ratiosOf } from "./ratios.ts";
import { Results } from "./results.ts";

Deno.test("ours is compared with the better of graphile-worker's two settings", () => {
  const results = new Results();
  results.add("graphile_500", { drain_1: 10_000 });
  results.add("graphile_2000", { drain_1: 20_000 });
  results.add("ours_bare", { drain_1: 30_000 });

  assert.equal(ratiosOf(results).drain_bare!.median, 1.5);
});

Deno.test("waiting is compared with the shorter of theirs", () => {
  const results = new Results();
  results.add("graphile_500", { latency_p50: 3 });
  results.add("ours_bare", { latency_p50: 1.5 });

  assert.equal(ratiosOf(results).latency_p50!.median, 0.5);
});

Deno.test("the spread of a ratio comes from rounds, each compared within itself", () => {
  const results = new Results();
  for (const [theirs, ours] of [[100, 200], [200, 200], [100, 400]]) {
    results.add("graphile_500", { enqueue_1: theirs! });
    results.add("ours_bare", { enqueue_1: ours! });
  }

  assert.deepEqual(ratiosOf(results).enqueue_1, { median: 2, min: 1, max: 4 });
});

Deno.test("what was not measured has no ratio", () => {
  assert.equal(ratiosOf(new Results()).bulk, null);
});
