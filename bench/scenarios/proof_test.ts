import assert from "node:assert/strict";
import { Tally } from "../process/tally.ts";
import { distinctJobs, proveAcknowledged } from "./proof.ts";

const id = "pgmq";

/** What a worker that handled these jobs, of ten, reports. */
function reportOf(...jobs: number[]) {
  const tally = new Tally(10);
  jobs.forEach(tally.handle);
  return tally.report();
}

Deno.test("two workers that shared the jobs handled each of them once", () => {
  assert.equal(distinctJobs({ id }, [reportOf(0, 2, 9), reportOf(1, 3)]), 5);
});

Deno.test("a job that one worker handled twice is found", () => {
  assert.throws(() => distinctJobs({ id }, [reportOf(0, 1, 1)]), /handled 1 jobs twice/);
});

Deno.test("a job that two workers handled is found", () => {
  assert.throws(
    () => distinctJobs({ id }, [reportOf(0, 1), reportOf(1, 2)]),
    /handled 1 jobs twice/,
  );
});

Deno.test("a job that was handled and still waits is found", () => {
  const before = { waiting: 5, finished: null };
  assert.throws(
    () => proveAcknowledged({ id }, before, { waiting: 1, finished: null }, 5),
    /4 left/,
  );
  proveAcknowledged({ id }, before, { waiting: 0, finished: null }, 5);
});

Deno.test("a job that left the queue without a record is found", () => {
  const before = { waiting: 5, finished: 100 };
  assert.throws(() => proveAcknowledged({ id }, before, { waiting: 0, finished: 104 }, 5), /4 are/);
  proveAcknowledged({ id }, before, { waiting: 0, finished: 105 }, 5);
});
