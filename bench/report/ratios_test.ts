import assert from "node:assert/strict";
import { ratiosOf } from "./ratios.ts";
import { Results } from "./results.ts";

Deno.test("ours is compared with the better of graphile-worker's two settings", () => {
  const results = new Results();
  results.add(0, "graphile_500", { drain_1: 10_000 });
  results.add(0, "graphile_2000", { drain_1: 20_000 });
  results.add(0, "ours_bare", { drain_1: 30_000 });

  assert.equal(ratiosOf(results).drain_bare!.median, 1.5);
});

Deno.test("waiting is compared with the shorter of theirs", () => {
  const results = new Results();
  results.add(0, "graphile_500", { latency_p50: 3 });
  results.add(0, "ours_bare", { latency_p50: 1.5 });

  assert.equal(ratiosOf(results).latency_p50!.median, 0.5);
});

Deno.test("the spread of a ratio comes from rounds, each compared within itself", () => {
  const results = new Results();
  for (const [round, [theirs, ours]] of [[100, 200], [200, 200], [100, 400]].entries()) {
    results.add(round, "graphile_500", { enqueue_1: theirs! });
    results.add(round, "ours_bare", { enqueue_1: ours! });
  }

  assert.deepEqual(ratiosOf(results).enqueue_1, { median: 2, min: 1, max: 4, rounds: 3 });
});

Deno.test("a round that one side missed is not compared with another round", () => {
  const results = new Results();
  results.add(0, "graphile_500", { bulk: 100 });
  results.add(2, "graphile_500", { bulk: 300 });
  for (const round of [0, 1, 2]) results.add(round, "ours_bare", { bulk: 300 });

  const { median, rounds } = ratiosOf(results).bulk!;
  assert.deepEqual([median, rounds], [2, 2]);
});

Deno.test("a loss is the median of the rounds' own losses", () => {
  const results = new Results();
  for (const [round, loss] of [0.2, 0.05, 0.1].entries()) {
    results.add(round, "ours_bare", { snapshot_loss: loss });
  }

  assert.equal(ratiosOf(results).held_snapshot_loss!.median, 0.1);
});

Deno.test("what was not measured has no ratio", () => {
  assert.equal(ratiosOf(new Results()).bulk, null);
});
