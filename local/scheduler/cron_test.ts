import assert from "node:assert/strict";
import { Cron, type CronJob } from "./cron.ts";
import type { ParsedSchedule } from "./schedule.ts";

/** A cron with a clock that stands still and runs that end when told. */
function setUp() {
  const clock = { now: Date.parse("2026-03-01T10:00:00Z") };
  const runs: { jobid: string; cancelled: AbortSignal; end: () => Promise<void> }[] = [];
  const cron = new Cron((job, cancelled) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = async () => {
      resolve();
      await new Promise((next) => setTimeout(next));
    };
    runs.push({ jobid: job.jobid, cancelled, end });
    return promise;
  }, () => clock.now);
  const after = (seconds: number) => {
    clock.now += seconds * 1000;
    cron.tick();
  };
  return { cron, runs, after };
}

const job = (jobid: string, parsed: ParsedSchedule | null, active = true): CronJob => ({
  jobid,
  parsed,
  active,
  command: "select 1",
  database: "postgres",
  username: "postgres",
});

Deno.test("an interval job runs first one interval after it is known, then from start to start", async () => {
  const { cron, runs, after } = setUp();
  cron.setJobs([job("1", { seconds: 10 })]);
  after(0);
  after(9);
  assert.equal(runs.length, 0);
  after(1);
  assert.equal(runs.length, 1);
  await runs[0]?.end();
  after(9);
  assert.equal(runs.length, 1);
  after(1);
  assert.equal(runs.length, 2);
});

Deno.test("a job has one running instance; an interval job queues one more at most", async () => {
  const { cron, runs, after } = setUp();
  cron.setJobs([job("1", { seconds: 1 })]);
  for (let second = 0; second < 5; second++) after(1);
  assert.equal(runs.length, 1);
  await runs[0]?.end();
  assert.equal(runs.length, 2, "the queued one starts at once");
  await runs[1]?.end();
  assert.equal(runs.length, 2);
});

Deno.test("a paused job is cancelled in mid-run, a removed one too, and neither starts again", async () => {
  const { cron, runs, after } = setUp();
  cron.setJobs([job("1", { seconds: 1 }), job("2", { seconds: 1 })]);
  after(1);
  cron.setJobs([job("1", { seconds: 1 }, false)]);
  assert.deepEqual(runs.map(({ cancelled }) => cancelled.aborted), [true, true]);
  for (const run of runs) await run.end();
  after(5);
  assert.equal(runs.length, 2);
});

Deno.test("@reboot runs once, and a schedule nobody can read never", () => {
  const { cron, runs, after } = setUp();
  cron.setJobs([job("1", { reboot: true }), job("2", null)]);
  after(0);
  after(60);
  assert.deepEqual(runs.map(({ jobid }) => jobid), ["1"]);
});

Deno.test("no more than 32 jobs run at once", async () => {
  const { cron, runs, after } = setUp();
  cron.setJobs(Array.from({ length: 40 }, (_, index) => job(String(index), { seconds: 1 })));
  after(1);
  assert.equal(runs.length, 32);
  await runs[0]?.end();
  after(0);
  assert.equal(runs.length, 33);
});
