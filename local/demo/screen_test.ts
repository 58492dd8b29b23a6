import { strict as assert } from "node:assert";
import { duration, grouped, Screen } from "./screen.ts";

Deno.test("Without a terminal the screen writes plain lines, each once", () => {
  let written = "";
  const screen = new Screen(false, (text) => written += text);
  screen.bar("YouTube", 0, "Starting");
  screen.bar("YouTube", 50, "half");
  screen.bar("YouTube", 50, "half");
  screen.step("Done", "two videos");
  assert.ok(!written.includes("\x1b") && !written.includes("\r"));
  assert.equal(written.split("\n").length, 4);
});

Deno.test("On a terminal each bar keeps its line and moves there; the next step leaves them behind", () => {
  let written = "";
  const screen = new Screen(true, (text) => written += text);
  screen.bar("YouTube", 0, "Starting");
  screen.bar("TikTok", 0, "Starting");
  const two = written.length;
  screen.bar("YouTube", 50, "half");
  const redrawn = written.slice(two);
  assert.ok(redrawn.startsWith("\x1b[2A"), "back to the first of two lines");
  assert.deepEqual(
    redrawn.split("\n").map((line) => /(?:YouTube|TikTok) .* (\d+) %/.exec(line)?.[1]),
    [
      "50",
      "0",
      undefined,
    ],
  );
  screen.step("Done", "two videos");
  const before = written.length;
  screen.bar("YouTube", 0, "Starting");
  assert.ok(!written.slice(before).includes("\x1b[1A"), "new bars begin below");
});

Deno.test("Numbers are written for people", () => {
  assert.equal(grouped(1_234_567), "1,234,567");
  assert.equal(duration(480), "480 ms");
  assert.equal(duration(2_345), "2.3 s");
});
