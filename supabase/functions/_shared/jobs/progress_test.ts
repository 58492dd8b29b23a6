import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import type { Progress } from "./job_store.ts";
import { ProgressWriter } from "./progress.ts";
import { FakeClock, settled } from "./testing.ts";

function setUp(options: { from?: number; slowly?: Promise<void> } = {}) {
  const clock = new FakeClock();
  const written: Required<Progress>[] = [];
  const writer = new ProgressWriter({
    clock,
    intervalMs: 300,
    from: options.from ?? 0,
    async write(progress) {
      written.push(progress);
      await options.slowly;
    },
  });
  return { clock, writer, written, percents: () => written.map(({ percent }) => percent) };
}

Deno.test("the first progress is written at once", () => {
  const { writer, written } = setUp();
  writer.report(1, "Starting");
  assert.deepEqual(written, [{ percent: 1, message: "Starting" }]);
});

Deno.test("a hundred reports in a second become a few writes, and the last one arrives", async () => {
  const { clock, writer, percents } = setUp();
  for (let percent = 1; percent <= 100; percent += 1) {
    writer.report(percent);
    await clock.advance(10);
  }
  await writer.flush();
  assert.ok(percents().length <= 5, `wrote ${percents()}`);
  assert.equal(percents().at(0), 1);
  assert.equal(percents().at(-1), 100);
});

Deno.test("flush() sends what is waiting before its time", async () => {
  const { writer, percents } = setUp();
  writer.report(1);
  writer.report(2);
  await writer.flush();
  assert.deepEqual(percents(), [1, 2]);
});

Deno.test("percent never goes back, and stays between 0 and 100", async () => {
  const { clock, writer, percents } = setUp({ from: 40 });
  for (const percent of [10, 55.9, 50, 1_000, Number.NaN]) {
    writer.report(percent, `at ${percent}`);
    await clock.advance(300);
  }
  assert.deepEqual(percents(), [40, 55, 55, 100, 100]);
});

Deno.test("a checkpoint that carries progress voids older reports that wait", async () => {
  const { clock, writer, percents } = setUp();
  writer.report(1);
  writer.report(20, "waits");
  assert.deepEqual(writer.carried(50, "50 of 100"), { percent: 50, message: "50 of 100" });
  await clock.advance(1_000);
  assert.deepEqual(percents(), [1]);
});

Deno.test("saying the same again writes nothing", async () => {
  const { clock, writer, written } = setUp();
  for (let times = 0; times < 5; times += 1) {
    writer.report(10, "same");
    await clock.advance(400);
  }
  assert.equal(written.length, 1);
});

Deno.test("a slow write is not overtaken by the next one", async () => {
  const gate = Promise.withResolvers<void>();
  const { clock, writer, percents } = setUp({ slowly: gate.promise });
  writer.report(1);
  writer.report(2);
  await clock.advance(1_000);
  assert.deepEqual(percents(), [1]);
  gate.resolve();
  await settled();
  assert.deepEqual(percents(), [1, 2]);
});

Deno.test("a closed writer writes nothing more", async () => {
  const { clock, writer, percents } = setUp();
  writer.report(1);
  writer.report(2);
  writer.close();
  writer.report(3);
  await clock.advance(1_000);
  assert.deepEqual(percents(), [1]);
});

Deno.test("a message the database could not store is made storable", async () => {
  const { clock, writer, written } = setUp();
  writer.report(1, "a\0b");
  await clock.advance(300);
  assert.equal(written[0]!.message, "ab");
  const { message } = writer.carried(2, "x".repeat(999) + "\u{1F600}");
  assert.ok(message!.isWellFormed() && message!.length === 1_000);
});

Deno.test("what flush() sends is not overtaken by a report whose time has come meanwhile", async () => {
  const clock = new FakeClock();
  let writing = 0;
  let most = 0;
  const writer = new ProgressWriter({
    clock,
    intervalMs: 300,
    from: 0,
    async write() {
      most = Math.max(most, writing += 1);
      await sleep(clock, 100);
      writing -= 1;
    },
  });
  writer.report(1);
  await clock.advance(100);
  writer.report(2);
  await clock.advance(150);
  const flushed = writer.flush();
  writer.report(3);
  await clock.advance(50);
  assert.equal(most, 1);
  await clock.runUntil(flushed);
  assert.equal(writing, 0);
});
