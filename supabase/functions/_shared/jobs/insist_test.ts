import assert from "node:assert/strict";
import { insist } from "./insist.ts";
import { FakeClock } from "./testing.ts";

function setUp() {
  const clock = new FakeClock();
  const controller = new AbortController();
  const trouble: unknown[] = [];
  const options = {
    clock,
    signal: controller.signal,
    isFinal: (error: unknown) => error instanceof RangeError,
    onTrouble: (error: unknown) => trouble.push(error),
  };
  return { clock, controller, options, trouble };
}

Deno.test("insist() asks again until there is an answer", async () => {
  const { clock, options, trouble } = setUp();
  let calls = 0;
  const answer = insist(options, () => {
    calls += 1;
    return calls < 4 ? Promise.reject(new Error("away")) : Promise.resolve("here");
  });
  assert.equal(await clock.runUntil(answer), "here");
  assert.deepEqual([calls, trouble.length, clock.now()], [4, 3, 50 + 100 + 200]);
});

Deno.test("insist() does not ask again when that is no use", async () => {
  const { clock, options, trouble } = setUp();
  const answer = insist(options, () => Promise.reject(new RangeError("no")));
  await assert.rejects(clock.runUntil(answer), /no/);
  assert.deepEqual([trouble.length, clock.now()], [0, 0]);
});

Deno.test("insist() ends with the signal, not with the next try", async () => {
  const { clock, controller, options } = setUp();
  let ended: unknown;
  insist(options, () => Promise.reject(new Error("away"))).catch((error) => ended = error);
  await clock.advance(5_000);
  controller.abort("stopped");
  await clock.advance(0);
  assert.equal(ended, "stopped");
});
