import assert from "node:assert/strict";
import { untilPacificMidnight } from "../../functions/_shared/platforms/youtube_fault.ts";
import { PlatformSync } from "./platform_sync.ts";
import { addFault, youtubeCalls } from "./simulator.ts";

type Job = { status: string; progress_message: string | null };
const isPutOff = ({ status, progress_message }: Job) =>
  status === "pending" && (progress_message ?? "").startsWith("Goes on after");

/** Asserts that a job waits for the next day in California, without a retry. */
function assertWaitsForMidnight(job: { scheduled_for: string; retry_count: number }) {
  const early = Date.parse(job.scheduled_for) - (Date.now() + untilPacificMidnight());
  assert.ok(early > -5_000 && early < 11 * 60_000, `${early} ms after midnight`);
  assert.equal(job.retry_count, 0);
}

/** As the night does it. */
async function nextDay({ queue, bucket }: PlatformSync, job: string) {
  await queue.sql`
    update private.provider_quota set exhausted_until = null, used = 0 where bucket = ${bucket}`;
  await queue.sql`update public.job_queue set scheduled_for = now() where id = ${job}`;
}

Deno.test("a daily quota that YouTube says is used up puts off the syncs of all users, and nobody asks again", async () => {
  await using first = await PlatformSync.open("youtube", 120);
  await using second = await PlatformSync.open("youtube", 10, first.bucket);
  const path = "/youtube/v3/playlistItems";
  await addFault(first.stack, first.email, { kind: "quota_exceeded", path, skip: 1 });
  const callsOf = async (sync: PlatformSync) => (await youtubeCalls(sync.stack, sync.email)).length;

  const { job } = await first.run({ until: isPutOff });
  assertWaitsForMidnight(job);
  assert.equal((await first.stored()).length, 50);
  const before = await callsOf(second);
  const other = await second.run({ until: isPutOff });
  assertWaitsForMidnight(other.job);
  assert.equal(await callsOf(second), before);

  await nextDay(first, job.id);
  const { job: done } = await first.run({ job: job.id });
  assert.equal(done.status, "completed", JSON.stringify(done));
  const result = done.result as Record<string, number>;
  assert.deepEqual([result.synced_count, result.new_items, result.pages], [120, 120, 3]);
});

Deno.test("the units of a day are shared by the syncs of all users, and none is spent twice", async () => {
  await using first = await PlatformSync.open("youtube", 100);
  await using second = await PlatformSync.open("youtube", 100, first.bucket);
  await first.queue.sql`
    insert into private.provider_quota (platform, bucket, limit_units, time_zone)
    values ('youtube', ${first.bucket}, 7, 'America/Los_Angeles')`;

  const { job } = await first.run();
  assert.equal((job.result as Record<string, number>).quota_used, 5);
  const { job: other } = await second.run({ until: isPutOff });
  assertWaitsForMidnight(other);
  // One unit for the channel; the one that is left is not enough for a page.
  assert.equal((await second.stored()).length, 0);

  await nextDay(second, other.id);
  const { job: done } = await second.run({ job: other.id });
  assert.equal((done.result as Record<string, number>).synced_count, 100);
});
