import assert from "node:assert/strict";
import { inLanes } from "./lanes.ts";

Deno.test("work is done in its order, one at a time in each lane, and all of it", async () => {
  const begun: [number, string][] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const tick = () => new Promise((resolve) => setTimeout(resolve));
  const done = inLanes([0, 1, 2, 3], ["a", "b"], async (work, lane) => {
    begun.push([work, lane]);
    await ends[work]!.promise;
  });
  assert.deepEqual(begun, [[0, "a"], [1, "b"]]);
  ends[1]!.resolve();
  await tick();
  assert.deepEqual(begun.slice(2), [[2, "b"]]);
  ends[0]!.resolve();
  await tick();
  assert.deepEqual(begun.slice(3), [[3, "a"]]);
  ends[2]!.resolve();
  ends[3]!.resolve();
  await done;
});

Deno.test("a lane that nothing is left for does nothing", async () => {
  const used: string[] = [];
  await inLanes([0], ["a", "b"], (_, lane) => Promise.resolve(void used.push(lane)));
  assert.deepEqual(used, ["a"]);
});
