import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { processesNaming } from "../../../local/stack/process.ts";
import { ended, Person } from "./person.ts";
import { nothingElse } from "./sync_result.ts";
import { accountWith, addFault, youtubeCalls } from "./simulator.ts";

/**
 * Kills the job processor: the process that takes its requests, and any before it that is past half of
 * its life and still works.
 */
async function killProcessor(stack: StackInfo): Promise<void> {
  const processes = await processesNaming("/job-processor/index.ts", stack.state_dir);
  assert.ok(processes.length > 0);
  for (const { pid } of processes) Deno.kill(pid, "SIGKILL");
}

Deno.test("a sync whose worker is killed with SIGKILL goes on from its checkpoint and stores every video once", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const account = accountWith(1_000);
  const socialAccount = await creator.connectYouTube(account);
  await addFault(stack, account, {
    kind: "slow",
    path: "/youtube/v3/videos",
    delay_ms: 250,
    count: null,
  });

  const id = await creator.startSync();
  const before = await creator.waitForJob(id, (job) => (job.progress_percent ?? 0) >= 30);
  assert.equal(before.status, "processing");
  await killProcessor(stack);
  // A lease (at most 60 s) and one tick (10 s) may pass before the next worker takes it.
  const job = await creator.waitForJob(id, ended, 100_000);

  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.deepEqual([job.crash_count, job.retry_count], [1, 0]);
  assert.deepEqual(job.result, {
    ...nothingElse,
    total: 1_000,
    synced_count: 1_000,
    new_items: 1_000,
    pages: 20,
    quota_used: 41,
  });
  const { count } = await creator.client.from("content_item").select("id", {
    count: "exact",
    head: true,
  })
    .eq("social_account_id", socialAccount);
  assert.equal(count, 1_000);
  // 20 batches, and at most the one that was under way when the worker died.
  const batches = (await youtubeCalls(stack, account)).filter(({ path }) =>
    path.endsWith("/videos")
  );
  assert.ok(batches.length <= 21, `${batches.length} calls for details`);
});
