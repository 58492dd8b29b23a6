import assert from "node:assert/strict";
import type { LogLine } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import { FakeClock } from "./testing.ts";

const lease = { job_id: "job", fencing_token: 1 };

function setUp() {
  const clock = new FakeClock();
  const written: LogLine[][] = [];
  const store = { broken: false, heldJob: "" };
  const buffer = new LogBuffer(
    {
      async addLogs(lines) {
        if (store.broken) throw new Error("the database is away");
        const isHeld = (line: LogLine) => line.job_id === store.heldJob;
        await Promise.resolve(written.push(lines.filter((line) => !isHeld(line))));
        return lines.filter(isHeld);
      },
    },
    clock,
    500,
  );
  return { clock, written, store, buffer };
}

Deno.test("lines of all jobs go out together after a moment", async () => {
  const { clock, written, buffer } = setUp();
  buffer.forJob(lease, () => true).info("one");
  buffer.forJob({ ...lease, job_id: "other" }, () => true).error("two");
  assert.equal(written.length, 0);
  await clock.advance(500);
  assert.deepEqual(written.map((lines) => lines.map((line) => line.message)), [["one", "two"]]);
});

Deno.test("a job that logs without end is cut off with a line that says so", async () => {
  const { written, buffer } = setUp();
  const log = buffer.forJob(lease, () => true);
  for (let n = 0; n < 3_000; n += 1) log.debug(`line ${n}`);
  await buffer.flush();
  const lines = written.flat();
  assert.equal(lines.length, 1_001);
  assert.match(lines.at(-1)!.message, /truncated/);
  assert.equal(lines.filter(({ message }) => message.includes("truncated")).length, 1);
});

Deno.test("a closed attempt logs nothing more, and large metadata is left out", async () => {
  const { written, buffer } = setUp();
  let open = true;
  const log = buffer.forJob(lease, () => open);
  log.info("large", { text: Array.from({ length: 9 }, () => "x".repeat(1_900)) });
  open = false;
  log.info("late");
  await buffer.flush();
  assert.deepEqual(written.flat().map((line) => line.metadata), [{
    left_out: "metadata too large",
  }]);
});

Deno.test("a line the database could not store is made storable, for the sake of its batch", async () => {
  const { written, buffer } = setUp();
  const emoji = "x".repeat(1_999) + "\u{1F600}";
  buffer.forJob(lease, () => true).info(emoji, { emoji, nul: "a\0b" });
  await buffer.flush();
  const [line] = written.flat();
  assert.ok(line!.message.isWellFormed());
  assert.ok((line!.metadata.emoji as string).isWellFormed());
  assert.equal(line!.metadata.nul, "ab");
});

Deno.test("a database that does not take log lines holds up nobody", async () => {
  const { store, written, buffer } = setUp();
  store.broken = true;
  buffer.forJob(lease, () => true).info("lost");
  await buffer.flush();
  store.broken = false;
  buffer.forJob(lease, () => true).info("kept");
  await buffer.flush();
  assert.deepEqual(written.flat().map((line) => line.message), ["kept"]);
});

Deno.test("a job that logs much per line is cut off by what it has written", async () => {
  const { written, buffer } = setUp();
  const log = buffer.forJob(lease, () => true);
  const other = buffer.forJob({ ...lease, job_id: "other" }, () => true);
  const page = Array.from({ length: 3 }, () => "x".repeat(1_900));
  for (let n = 0; n < 100; n += 1) log.info(`page ${n}`, { page });
  other.info("still heard");
  await buffer.flush();
  const lines = written.flat();
  const stored = JSON.stringify(lines.map(({ message, metadata }) => [message, metadata])).length;
  assert.ok(stored < 270_000, `${stored} characters`);
  assert.deepEqual(lines.slice(-2).map(({ message }) => message.slice(0, 13)), [
    "Log truncated",
    "still heard",
  ]);
});

Deno.test("a database that says no costs one batch of lines, and no waiting for the others", async () => {
  const { clock, store, written, buffer } = setUp();
  const log = buffer.forJob(lease, () => true);
  for (let n = 0; n < 800; n += 1) log.info(`line ${n}`);
  store.broken = true;
  await buffer.flush();
  store.broken = false;
  await clock.advance(500);
  assert.deepEqual([written.flat().length, written.flat()[0]!.message], [300, "line 500"]);
});

Deno.test("lines of a job that somebody holds are sent again, and hold up nobody", async () => {
  const { clock, store, written, buffer } = setUp();
  store.heldJob = "other";
  buffer.forJob({ ...lease, job_id: "other" }, () => true).info("held");
  buffer.forJob(lease, () => true).info("free");
  await buffer.flush();
  assert.deepEqual(written.flat().map(({ message }) => message), ["free"]);
  await clock.advance(500);
  assert.equal(written.length, 2, "they are tried again");
  store.heldJob = "";
  await clock.advance(500);
  assert.deepEqual(written.flat().map(({ message }) => message), ["free", "held"]);
});
