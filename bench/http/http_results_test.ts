import assert from "node:assert/strict";
import { HttpResults } from "./http_results.ts";

Deno.test("a profile is the median of its rounds, the dearest part first", () => {
  const results = new HttpResults();
  results.addProfile("http", { gateway: 2, postgres: 1 });
  results.addProfile("http", { gateway: 3, postgres: 4 });
  results.addProfile("http", { gateway: 4, postgres: 5, realtime: 1 });

  assert.deepEqual(results.profileOf("http"), [["postgres", 4], ["gateway", 3], ["realtime", 0]]);
});

Deno.test("a figure that no round measured has no spread", () => {
  assert.equal(new HttpResults().of("progress_p50"), null);
});
