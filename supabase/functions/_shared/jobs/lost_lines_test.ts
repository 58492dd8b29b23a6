/** Log lines that cannot be stored at once, or at all. */
import assert from "node:assert/strict";
import type { LogLine } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import type { Lost } from "./lost_lines.ts";
import { memoryWorker } from "./memory_worker.ts";
import { defaultOptions } from "./options.ts";
import { FakeClock } from "./testing.ts";

function setUp() {
  const clock = new FakeClock();
  const lost: Lost[] = [];
  const written: LogLine[] = [];
  const store = { isAway: false, heldJob: "" };
  const addLogs = async (lines: LogLine[]) => {
    if (store.isAway) throw new Error("away");
    const isHeld = ({ job_id }: LogLine) => job_id === store.heldJob;
    await Promise.resolve(written.push(...lines.filter((line) => !isHeld(line))));
    return lines.filter(isHeld);
  };
  const buffer = new LogBuffer({ addLogs }, clock, 500, (told) => lost.push(told));
  const log = (job_id: string) => buffer.forJob({ job_id, fencing_token: 1 }, () => true);
  const texts = () => written.map(({ message }) => message);
  return { clock, lost, store, buffer, log, texts };
}

const leftAt = (clock: FakeClock, end: number) => () => end - clock.now();

Deno.test("who leaves tries lines of a job that somebody holds until he lets it go", async () => {
  const { clock, lost, store, buffer, log, texts } = setUp();
  store.heldJob = "held";
  log("held").info("kept");
  const closed = buffer.close(leftAt(clock, 10_000));
  await clock.advance(4_000);
  store.heldJob = "";
  await clock.advance(600);
  await closed;
  assert.deepEqual([texts(), lost], [["kept"], []]);
});

Deno.test("what is still held when there is no time left is said to be lost, and whose it was", async () => {
  const { clock, lost, store, buffer, log, texts } = setUp();
  store.heldJob = "held";
  log("held").info("one");
  log("held").info("two");
  log("free").info("three");
  await clock.runUntil(buffer.close(leftAt(clock, 1_000)));
  assert.ok(clock.now() <= 1_001);
  assert.deepEqual(texts(), ["three"]);
  assert.deepEqual(lost, [{ lines: 2, job_ids: ["held"], why: "not stored in time" }]);
  store.heldJob = "";
  log("held").info("after all");
  await buffer.flush();
  assert.deepEqual(texts(), ["three", "after all"], "it can still be written to");
});

Deno.test("lines that the database does not take are said to be lost, and why", async () => {
  const { lost, store, buffer, log } = setUp();
  store.isAway = true;
  log("job").info("lost");
  await buffer.flush();
  assert.equal(lost.length, 1);
  assert.deepEqual([lost[0]!.lines, lost[0]!.job_ids], [1, ["job"]]);
  assert.equal((lost[0]!.error as Error).message, "away");
});

Deno.test("lines that come faster than they can be stored are said to be lost, once", async () => {
  const { lost, buffer, log } = setUp();
  for (let job = 0; job < 6; job += 1) {
    const { info } = log(`job ${job}`);
    for (let line = 0; line < 1_000; line += 1) info("line");
  }
  await buffer.flush();
  assert.deepEqual(lost, [{ lines: 1_000, job_ids: ["job 5"], why: "too many at once" }]);
});

Deno.test("a key that the database could not store is made storable, for the sake of its batch", async () => {
  const clock = new FakeClock();
  const written: LogLine[] = [];
  const addLogs = (lines: LogLine[]) => {
    written.push(...lines);
    return Promise.resolve([]);
  };
  const buffer = new LogBuffer({ addLogs }, clock, 500);
  const half = "\ud83d";
  buffer.forJob({ job_id: "job", fencing_token: 1 }, () => true)
    .info("odd", { "a\0b": { [half]: [{ "\0": 1 }] }, text: "\\u0000" });
  await buffer.flush();
  assert.deepEqual(written[0]!.metadata, { ab: { "\ufffd": [{ "": 1 }] }, text: "\\u0000" });
});

Deno.test("a worker that leaves writes what was held, and says what it could not", async () => {
  for (const letsGo of [true, false]) {
    const { clock, store, worker, lines, add } = memoryWorker((ctx) => {
      ctx.log.info("done");
      return Promise.resolve(null);
    });
    const { addLogs } = store;
    let isHeld = true;
    store.addLogs = (lines) => isHeld ? Promise.resolve(lines) : addLogs.call(store, lines);
    store.logs.length = 0;
    const row = add("job");
    const life = worker.run();
    await clock.advance(100);
    assert.equal(row.status, "completed", "nobody waits for a line");
    const end = worker.shutdown();
    await clock.advance(100);
    isHeld = !letsGo;
    await clock.advance(defaultOptions.unload_grace_ms);
    await Promise.all([life, end]);
    const lost = lines.filter(({ message }) => message === "log lines lost");
    assert.deepEqual(
      lost.map(({ lines, job_ids }) => [lines, job_ids]),
      letsGo ? [] : [[1, [row.job.id]]],
    );
  }
});

Deno.test("no line is said to be lost twice by a worker that leaves a database which does not answer", async () => {
  const written = 900;
  const { clock, store, worker, lines, add } = memoryWorker(async (ctx) => {
    for (let line = 0; line < written; line += 1) ctx.log.info("line");
    await ctx.sleep(60_000);
    return null;
  });
  const noAnswer = () => new Promise<never>((_, no) => clock.after(10_000, () => no(new Error())));
  store.addLogs = noAnswer;
  const rows = [add(), add()];
  worker.run();
  await clock.advance(100);
  worker.shutdown();
  await clock.advance(60_000);
  const lost = lines.filter(({ message }) => message === "log lines lost");
  const sum = lost.reduce((sum, { lines }) => sum + Number(lines), 0);
  assert.equal(sum, rows.length * written);
});

Deno.test("lines of a job that somebody holds go before its outcome, which others may go on from", async () => {
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    ctx.log.info("said");
    return Promise.resolve(null);
  });
  const { addLogs } = store;
  store.addLogs = async (lines) => {
    if (!store.heldByOthers.has(lines[0]!.job_id)) return await addLogs.call(store, lines);
    // Whoever held it lets it go while that is answered.
    if (clock.now() >= 40) store.heldByOthers.clear();
    return lines;
  };
  const row = add("job");
  store.heldByOthers.add(row.job.id);
  worker.run();
  await clock.advance(500);
  assert.deepEqual([row.status, store.logs.map(({ message }) => message)], ["completed", ["said"]]);
  await worker.shutdown();
});
