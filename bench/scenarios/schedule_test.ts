import assert from "node:assert/strict";
import { contendersOf, lapsOf } from "./schedule.ts";
import type { Scenario } from "./scenario.ts";

const scenario: Scenario = {
  name: "bulk",
  compared: ["graphile_500", "ours_bare"],
  others: ["pgmq"],
  measure: () => Promise.resolve({}),
};

Deno.test("what is compared has its three rounds before the others have their second", () => {
  const laps = lapsOf(4).map(({ round, of }) => `${round} ${of}`);

  assert.deepEqual(laps, [
    "0 everybody",
    "1 compared",
    "2 compared",
    "1 others",
    "2 others",
    "3 everybody",
  ]);
});

Deno.test("one round is everybody's", () => {
  assert.deepEqual(lapsOf(1), [{ round: 0, of: "everybody" }]);
});

Deno.test("who begins changes with the round", () => {
  const begins = [0, 1, 2].map((round) => contendersOf(scenario, { round, of: "everybody" })[0]);

  assert.deepEqual(begins, ["graphile_500", "ours_bare", "pgmq"]);
});
