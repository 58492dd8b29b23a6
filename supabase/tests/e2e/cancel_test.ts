import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { accountWith, addFault, youtubeCalls } from "./simulator.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("cancelling a running sync stops its calls to the provider and refuses its late writes", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const account = accountWith(2_000);
  await creator.connectYouTube(account);
  await addFault(stack, account, { kind: "slow", path: "/youtube", delay_ms: 200, count: null });
  const id = await creator.startSync();
  await creator.waitForJob(id, (job) => (job.progress_percent ?? 0) >= 10);

  const answer = await creator.call("job-cancel", { job_id: id });
  const cancelledAt = await creator.job(id);
  await pause(5_000);
  const callsAfterGrace = (await youtubeCalls(stack, account)).length;
  const { count: storedAfterGrace } = await creator.client.from("content_item").select("id", {
    count: "exact",
    head: true,
  });
  await pause(1_500);
  const job = await creator.job(id);

  assert.deepEqual([answer.status, answer.body.cancelled], [200, true]);
  assert.equal(cancelledAt.status, "cancelled");
  assert.equal(
    (await youtubeCalls(stack, account)).length,
    callsAfterGrace,
    "no call later than 5 s",
  );
  assert.deepEqual(job, cancelledAt, "nothing was written after the cancel");
  const { count } = await creator.client.from("content_item").select("id", {
    count: "exact",
    head: true,
  });
  assert.equal(count, storedAfterGrace);
  const again = await creator.call("job-cancel", { job_id: id });
  assert.equal(again.body.cancelled, false);
});

Deno.test("a 429 with Retry-After is waited out before the provider is asked again", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const account = accountWith(50);
  await creator.connectYouTube(account);
  await addFault(stack, account, {
    kind: "rate_limited",
    path: "/youtube/v3/videos",
    retry_after: 3,
  });

  const job = await creator.waitForJob(await creator.startSync(), ended);
  const [refused, next] = (await youtubeCalls(stack, account))
    .filter(({ path }) => path.endsWith("/videos"));

  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.equal(refused?.status, 429);
  const waited = Date.parse(next!.at) - Date.parse(refused!.at);
  assert.ok(waited >= 3_000, `asked again after ${waited} ms`);
});
