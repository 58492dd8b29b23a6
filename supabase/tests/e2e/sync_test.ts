import assert from "node:assert/strict";
import { readStack, type StackInfo } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { nothingElse } from "./sync_result.ts";
import { accountWith, addFault, removeFault, youtubeCalls } from "./simulator.ts";

const whole = { ...nothingElse, total: 250, synced_count: 250, pages: 5, quota_used: 11 };

type JobUpdate = {
  job_id: string;
  status: string;
  progress_percent: number;
  seq: number;
  result?: Record<string, number>;
};

/** Signs up somebody whose accounts the schedule leaves alone: their syncs are those that a test asks for. */
async function signUp(stack: StackInfo): Promise<Person> {
  const creator = await Person.signUp(stack);
  const { error } = await creator.client.from("user_setting").update({ auto_sync_enabled: false })
    .eq("user_id", creator.id);
  assert.equal(error, null);
  return creator;
}

/** Joins a private topic and collects what it says. */
async function listen(person: Person, topic: string): Promise<JobUpdate[]> {
  const updates: JobUpdate[] = [];
  await new Promise<void>((resolve, reject) =>
    person.client.channel(topic, { config: { private: true } })
      .on("broadcast", { event: "job_update" }, ({ payload }) => updates.push(payload))
      .subscribe((status, error) => {
        if (status === "SUBSCRIBED") resolve();
        else if (status === "CHANNEL_ERROR") reject(error ?? new Error(status));
      })
  );
  return updates;
}

Deno.test("a sync stores the whole channel, shows its owner live progress, and repeats idempotently", async () => {
  const stack = await readStack();
  const creator = await signUp(stack);
  const account = accountWith(250);
  const socialAccount = await creator.connectYouTube(account);
  const updates = await listen(creator, `user_jobs:${creator.id}`);

  const answer = await creator.call("sync-youtube", { social_account_id: socialAccount });
  const id = String(answer.body.job_id);
  const job = await creator.waitForJob(id, ended);
  const status = await creator.call(`job-status?job_id=${id}`);

  assert.equal(answer.status, 202);
  assert.deepEqual(
    [answer.body.success, answer.body.outcome, answer.body.websocket_channel],
    [true, "created", `job_status:${id}`],
  );
  assert.match(String(answer.body.polling_endpoint), /\/functions\/v1\/job-status\?job_id=/);
  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.deepEqual(
    status.body.job && (status.body.job as { result: unknown }).result,
    { ...whole, new_items: 250 },
  );

  while (updates.at(-1)?.status !== "completed") {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const own = updates.filter((update) => update.job_id === id);
  assert.equal(own[0]?.status, "pending");
  assert.ok(own.filter(({ status }) => status === "processing").length >= 5, "one per batch");
  assert.deepEqual(own.map(({ seq }) => seq), own.map(({ seq }) => seq).toSorted((a, b) => a - b));
  const percents = own.map((update) => update.progress_percent);
  assert.deepEqual(percents, percents.toSorted((a, b) => a - b));
  assert.equal(own.at(-1)?.result?.new_items, 250);

  const { count } = await creator.client.from("content_item").select("id", {
    count: "exact",
    head: true,
  })
    .eq("social_account_id", socialAccount);
  assert.equal(count, 250);
  const calls = await youtubeCalls(stack, account);
  assert.equal(calls.filter(({ path }) => path.includes("/search")).length, 0);
  assert.equal(calls.filter(({ path }) => path.endsWith("/videos")).length, 5);

  const again = await creator.waitForJob(await creator.startSync(), ended);
  assert.deepEqual(again.result, {
    ...whole,
    unchanged: 250,
  });
  await creator.leave();
});

Deno.test("a second request for the same sync joins the job that is already under way", async () => {
  const stack = await readStack();
  const creator = await signUp(stack);
  const account = accountWith(500);
  await creator.connectYouTube(account);
  // It goes on for longer than the slowest of the requests is on its way.
  const slow = { kind: "slow", path: "/youtube", delay_ms: 1_000, count: null };
  const { id } = await addFault(stack, account, slow);

  const answers = await Promise.all(
    Array.from({ length: 10 }, () => creator.call("sync-youtube", {})),
  );
  await removeFault(stack, id);

  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => body.job_id)).size, 1);
  assert.equal(answers.filter(({ body }) => body.outcome === "created").length, 1);
  await creator.waitForJob(String(answers[0]!.body.job_id), ended);
});
