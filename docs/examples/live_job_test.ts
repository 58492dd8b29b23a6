import assert from "node:assert/strict";
import { pause, until } from "./fake_source.ts";
import type { JobWatcher } from "./job_watcher.ts";
import { jobTest, testPace, type WatchedJob } from "./watched_job.ts";

/** Asks so rarely that what is shown soon was pushed. */
const patient = { ...testPace, polling: [60_000, 60_000] as const };

/** Waits for the answers to all questions that the last join has set off. */
async function quiet(job: WatchedJob) {
  for (let asked = -1; job.asked > asked;) {
    asked = job.asked;
    await pause(500);
  }
}

/** The next progress comes by push, not by a question; fails when it has to be asked for. */
async function assertPushed(job: WatchedJob, watcher: JobWatcher, to: number) {
  await quiet(job);
  const asked = job.asked;
  await job.progress(to);
  await job.shows(watcher, to, 10_000);
  assert.equal(job.asked, asked, `${to} % was pushed, not asked for`);
}

jobTest("progress is pushed, in order, and the result ends the watch", async (job, client) => {
  const { watcher, stop } = job.watch(client);
  await job.is(watcher, "live");
  for (const percent of [10, 20, 30]) await assertPushed(job, watcher, percent);
  const asked = job.asked;
  await job.complete({ videos: 3 });
  await job.is(watcher, "ended");
  assert.deepEqual(watcher.getSnapshot().job?.result, { videos: 3 });
  assert.equal(job.asked, asked);
  job.assertOrder();
  stop();
});

jobTest(
  "a socket that drops costs nothing: asked for meanwhile, pushed again after",
  async (job, client) => {
    const { watcher, stop } = job.watch(client);
    await job.is(watcher, "live");
    await assertPushed(job, watcher, 10);
    job.page.sockets.at(-1)!.close();
    await job.is(watcher, "polling");
    await job.progress(20);
    await job.shows(watcher, 20, 5_000);
    await job.is(watcher, "live");
    assert.equal(job.page.sockets.length, 2);
    await assertPushed(job, watcher, 30);
    await job.complete();
    await job.is(watcher, "ended");
    job.assertOrder();
    stop();
  },
);

jobTest(
  "what happened while nobody asked and the socket was down is there after the join",
  async (job, client) => {
    const { watcher, stop } = job.watch(client, patient);
    await job.is(watcher, "live");
    await quiet(job);
    job.page.sockets.at(-1)!.close();
    await job.is(watcher, "polling");
    await job.progress(20);
    await job.progress(40);
    await job.is(watcher, "live");
    await job.shows(watcher, 40, 5_000);
    job.assertOrder();
    stop();
  },
);

jobTest(
  "Realtime killed with SIGKILL: the job is followed to its end without it",
  async (job, client) => {
    const { watcher, stop } = job.watch(client);
    await job.is(watcher, "live");
    Deno.kill(await job.realtimePid(), "SIGKILL");
    await job.is(watcher, "polling");
    await job.progress(50);
    await job.shows(watcher, 50, 5_000);
    await job.is(watcher, "live", 30_000);
    await assertPushed(job, watcher, 60);
    await job.complete();
    await job.is(watcher, "ended");
    job.assertOrder();
    stop();
  },
);

jobTest(
  "Realtime frozen, its sockets open: the silence is noticed, and pushes come again after",
  async (job, client) => {
    const { watcher, stop } = job.watch(client, { ...testPace, live: [400, 400] });
    await job.is(watcher, "live");
    const asked = job.asked;
    await until(() => job.asked >= asked + 2, () => "nobody asks");
    const pid = await job.realtimePid();
    Deno.kill(pid, "SIGSTOP");
    try {
      await job.progress(50);
      await job.shows(watcher, 50, 5_000);
      await job.is(watcher, "polling", 15_000);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    await job.is(watcher, "live", 30_000);
    await job.progress(60);
    await job.complete();
    await job.is(watcher, "ended");
    job.assertOrder();
    stop();
  },
);

jobTest(
  "a broadcast that the database lost is made good by asking now and then",
  async (job, client) => {
    const { watcher, stop } = job.watch(client, { ...testPace, live: [500, 500] });
    await job.is(watcher, "live");
    await job.progressUnheard(35);
    await job.shows(watcher, 35, 5_000);
    job.assertOrder();
    stop();
  },
);

jobTest(
  "a token that expires closes the channel; it is joined again with a fresh one",
  async (job, client) => {
    const { watcher, stop } = job.watch(client);
    await job.is(watcher, "live");
    await client.realtime.setAuth(await job.page.tokenOf(client, 3));
    await job.is(watcher, "polling", 10_000);
    assert.ok(job.page.sockets.length === 1 && client.realtime.isConnected(), "the socket stays");
    await job.progress(10);
    await job.shows(watcher, 10, 5_000);
    await job.is(watcher, "live", 10_000);
    await assertPushed(job, watcher, 20);
    job.assertOrder();
    stop();
  },
);

jobTest(
  "a token that the server no longer takes, though it looks good, is renewed",
  async (job, client) => {
    const { watcher, stop } = job.watch(client);
    await job.is(watcher, "live");
    await quiet(job);
    job.page.spoilToken();
    watcher.refresh();
    const renewed = () => job.page.fetched.some((url) => url.includes("grant_type=refresh_token"));
    await until(renewed, () => "the session was not renewed");
    await assertPushed(job, watcher, 20);
    assert.equal(watcher.getSnapshot().error, null);
    stop();
  },
);

jobTest(
  "a token that expired while the socket was down does not keep the topic out",
  async (job, client) => {
    await job.page.shortSession(client, 3);
    const { watcher, stop } = job.watch(client);
    await job.is(watcher, "live");
    const pid = await job.realtimePid();
    Deno.kill(pid, "SIGSTOP");
    job.page.sockets.at(-1)!.close();
    await pause(4_000);
    Deno.kill(pid, "SIGKILL");
    await job.progress(10);
    await job.shows(watcher, 10, 5_000);
    await job.is(watcher, "live", 40_000);
    await assertPushed(job, watcher, 20);
    stop();
  },
);

jobTest(
  "a hidden tab that slept through everything shows the end as soon as it is seen",
  async (job, client) => {
    const { watcher, stop } = job.watch(client, patient);
    await job.is(watcher, "live");
    await quiet(job);
    job.page.show(false);
    // As when a laptop sleeps: the socket is gone and nobody opens another.
    await client.realtime.disconnect();
    await job.progress(50);
    await job.complete();
    const asked = job.asked;
    await pause(500);
    assert.equal(watcher.getSnapshot().job?.percent, 0);
    assert.equal(job.asked, asked, "nobody looks, nobody asks");
    job.page.show(true);
    await job.is(watcher, "ended", 10_000);
    assert.equal(watcher.getSnapshot().job?.status, "completed");
    job.assertOrder();
    stop();
  },
);

jobTest(
  "a tab that is seen again while the job runs is live again at once",
  async (job, client) => {
    const { watcher, stop } = job.watch(client, patient);
    await job.is(watcher, "live");
    job.page.show(false);
    await client.realtime.disconnect();
    await job.is(watcher, "polling");
    await job.progress(50);
    job.page.show(true);
    await job.shows(watcher, 50, 10_000);
    await job.is(watcher, "live", 20_000);
    await assertPushed(job, watcher, 60);
    stop();
  },
);

jobTest("a result over 32 KB, which is not broadcast, is fetched", async (job, client) => {
  const { watcher, stop } = job.watch(client, patient);
  await job.is(watcher, "live");
  const text = "x".repeat(40_000);
  await job.complete({ text });
  await job.is(watcher, "ended", 5_000);
  assert.deepEqual(watcher.getSnapshot().job?.result, { text });
  stop();
});

jobTest(
  "two components may watch one job; the one that leaves does not deafen the other",
  async (job, client) => {
    const first = job.watch(client, patient);
    const second = job.watch(client, patient);
    await Promise.all([job.is(first.watcher, "live"), job.is(second.watcher, "live")]);
    assert.equal(client.getChannels().length, 1);
    first.stop();
    await pause(1_500);
    await assertPushed(job, second.watcher, 10);
    // Left and entered again in one breath, as React's StrictMode does.
    second.stop();
    const third = job.watch(client, patient);
    await job.is(third.watcher, "live");
    await assertPushed(job, third.watcher, 20);
    third.stop();
    await until(() => client.getChannels().length === 0, () => "a channel is left", 5_000);
  },
);

jobTest("a job of somebody else is not there, and no channel is kept", async (job) => {
  await using stranger = await job.stranger();
  const { watcher, stop } = job.watch(stranger.client);
  await job.is(watcher, "ended", 5_000);
  assert.deepEqual(watcher.getSnapshot().error?.code, "JOB_NOT_FOUND");
  assert.equal(watcher.getSnapshot().job, null);
  await until(() => stranger.client.getChannels().length === 0, () => "a channel is left", 20_000);
  stop();
});
