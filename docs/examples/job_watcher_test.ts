import assert from "node:assert/strict";
import { FakeJob, pause, until } from "./fake_source.ts";
import { JobSourceError } from "./job_source.ts";

const seqOf = (fake: FakeJob) => fake.watcher.getSnapshot().job?.seq;
const shown = (fake: FakeJob) => fake.watcher.getSnapshot().connection;

Deno.test("a state with a lower number than the one shown is never shown", async () => {
  const fake = new FakeJob();
  const { seen, stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  fake.push({ seq: 4, percent: 40 });
  fake.push({ seq: 3, percent: 30 });
  fake.push({ seq: 4, percent: 41 });
  assert.equal(seqOf(fake), 4);
  assert.equal(fake.watcher.getSnapshot().job?.percent, 40);
  // The answer that is under way was given before the pushes.
  fake.becomes({ seq: 2, percent: 20 });
  fake.watcher.refresh();
  await until(() => fake.asked >= 2);
  await pause(20);
  assert.equal(seqOf(fake), 4);
  assert.ok(!seen.some((state) => / [23] /.test(state)), seen.join());
  stop();
});

Deno.test("every join is followed by a question that was asked after it", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  let answer = () => {};
  fake.gate = new Promise((resolve) => answer = resolve);
  await until(() => fake.asked === 1);
  // This happens while the first question is under way, and before the socket listens.
  fake.becomes({ seq: 2, percent: 50 });
  fake.setLive(true);
  await pause(20);
  answer();
  await until(() => seqOf(fake) === 2);
  assert.equal(fake.asked, 2);
  stop();
});

Deno.test("while the socket is down the job is asked for, slower and slower while nothing changes", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  fake.setLive(false);
  assert.equal(shown(fake), "polling");
  fake.becomes({ seq: 2, percent: 10 });
  await until(() => seqOf(fake) === 2);
  const before = fake.asked;
  await pause(400);
  assert.ok(fake.asked - before >= 3 && fake.asked - before <= 16, `${fake.asked - before} asked`);
  stop();
});

Deno.test("while the socket is up a push that was lost is made good by asking", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => shown(fake) === "live");
  await pause(30);
  fake.becomes({ seq: 7, status: "completed", percent: 100, result: { ok: true } });
  await until(() => shown(fake) === "ended");
  assert.deepEqual(fake.watcher.getSnapshot().job?.result, { ok: true });
  stop();
});

Deno.test("a socket that is open and deaf is joined anew", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  await pause(30);
  fake.becomes({ seq: 2, percent: 10 });
  await until(() => fake.joined === 2);
  stop();
});

Deno.test("a push that an answer has only overtaken is no reason to join anew", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  await pause(30);
  fake.becomes({ seq: 2, percent: 10 });
  await until(() => seqOf(fake) === 2);
  fake.push({ seq: 2, percent: 10 });
  await pause(250);
  assert.equal(fake.joined, 1);
  stop();
});

Deno.test("a hidden page does not ask, and asks and joins at once when it is seen again", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  await until(() => seqOf(fake) === 1);
  fake.hidden = true;
  await pause(60);
  const before = fake.asked;
  fake.becomes({ seq: 9, percent: 90 });
  await pause(200);
  assert.equal(fake.asked, before);
  fake.hidden = false;
  fake.wake();
  await until(() => seqOf(fake) === 9, undefined, 2_000);
  assert.equal(fake.joined, 2);
  stop();
});

Deno.test("a result that was too large to be pushed is fetched before the watch ends", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  fake.becomes({ seq: 5, status: "completed", percent: 100, result: "large" });
  fake.push({ seq: 5, status: "completed", percent: 100 });
  assert.equal(fake.watcher.getSnapshot().job?.result, undefined);
  await until(() => shown(fake) === "ended");
  assert.equal(fake.watcher.getSnapshot().job?.result, "large");
  stop();
});

Deno.test("nothing is asked and nobody listens after the end; refresh() follows a job that was retried", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  fake.setLive(true);
  await until(() => seqOf(fake) === 1);
  fake.push({ seq: 2, status: "failed" });
  assert.equal(shown(fake), "ended");
  const before = fake.asked;
  await pause(250);
  assert.deepEqual([fake.asked, fake.left], [before, 1]);
  fake.becomes({ seq: 3, status: "pending" });
  fake.watcher.refresh();
  await until(() => seqOf(fake) === 3);
  assert.equal(shown(fake), "polling");
  assert.equal(fake.joined, 2);
  stop();
});

Deno.test("a server that fails is asked more rarely, and no sooner than it says", async () => {
  const fake = new FakeJob();
  fake.refusal = new JobSourceError("RATE_LIMITED", "later", 429, 200);
  const { stop } = fake.watch();
  await until(() => fake.asked === 1);
  await pause(150);
  assert.equal(fake.asked, 1);
  assert.equal(fake.watcher.getSnapshot().error?.code, "RATE_LIMITED");
  fake.refusal = null;
  await until(() => seqOf(fake) === 1);
  assert.equal(fake.watcher.getSnapshot().error, null);
  stop();
});

Deno.test("a job that is not there ends the watch; a session that ended hides the job and is waited for", async () => {
  const fake = new FakeJob();
  const { stop } = fake.watch();
  await until(() => seqOf(fake) === 1);
  fake.refusal = new JobSourceError("UNAUTHENTICATED", "Sign in first.", 401);
  await until(() => fake.watcher.getSnapshot().error?.code === "UNAUTHENTICATED");
  assert.equal(fake.watcher.getSnapshot().job, null);
  fake.refusal = null;
  fake.wake();
  await until(() => seqOf(fake) === 1);
  fake.refusal = new JobSourceError("JOB_NOT_FOUND", "There is no such job.", 404);
  await until(() => shown(fake) === "ended");
  const before = fake.asked;
  await pause(200);
  assert.equal(fake.asked, before);
  stop();
});

Deno.test("an answer that comes after the last subscriber left, or from an earlier watch, is dropped", async () => {
  const fake = new FakeJob();
  let answer = () => {};
  fake.gate = new Promise((resolve) => answer = resolve);
  const first = fake.watch();
  await until(() => fake.asked === 1);
  first.stop();
  const second = fake.watch();
  fake.becomes({ seq: 2, percent: 50 });
  answer();
  await until(() => seqOf(fake) === 2);
  assert.ok(!second.seen.some((state) => / 1 /.test(state)), second.seen.join());
  second.stop();
  assert.equal(fake.left, 2);
});
