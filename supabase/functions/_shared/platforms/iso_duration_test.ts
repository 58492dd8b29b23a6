import assert from "node:assert/strict";
import { parseIsoDuration } from "./iso_duration.ts";

for (
  const [text, seconds] of [
    ["PT45S", 45],
    ["PT1H2M3S", 3723],
    ["PT2H", 7200],
    ["P1DT2H", 93_600],
    ["P1W", 604_800],
    ["PT1.5S", 1],
    ["P0D", 0],
    ["P", null],
    ["PT", null],
    ["", null],
    ["45", null],
    ["P1Y", null],
  ] as const
) {
  Deno.test(`parseIsoDuration("${text}") is ${seconds}`, () => {
    assert.equal(parseIsoDuration(text), seconds);
  });
}
