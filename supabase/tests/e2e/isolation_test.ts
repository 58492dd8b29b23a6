import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { accountWith } from "./simulator.ts";

/** Tries to join a private topic; answers with the status the client reports. */
function join(person: Person, topic: string): Promise<string> {
  return new Promise((resolve) => {
    const channel = person.client.channel(topic, { config: { private: true } });
    channel.subscribe((status) => {
      // A later CLOSED is only the echo of leaving.
      resolve(status);
    });
  });
}

Deno.test("nobody but its owner can read, list, poll, watch, cancel or retry a job", async () => {
  const stack = await readStack();
  const owner = await Person.signUp(stack);
  const stranger = await Person.signUp(stack);
  const anonymous = Person.anonymous(stack);
  await owner.connectYouTube(accountWith(50));
  const id = await owner.startSync();
  await owner.waitForJob(id, ended);

  const tables = [
    "job_queue",
    "job_log",
    "content_item",
    "social_account",
    "platform_connection",
  ] as const;
  for (const table of tables) {
    const seen = await owner.client.from(table).select("*").limit(1);
    assert.equal(seen.data?.length, 1, `the owner sees ${table}: ${JSON.stringify(seen.error)}`);
    const hidden = await stranger.client.from(table).select("*");
    assert.deepEqual([hidden.error, hidden.data], [null, []], `a stranger sees no ${table}`);
    const closed = await anonymous.client.from(table).select("*");
    assert.equal(closed.error?.code, "42501", `anon may not ask for ${table}`);
  }

  const other = await stranger.call(`job-status?job_id=${id}`);
  const none = await stranger.call(`job-status?job_id=${crypto.randomUUID()}`);
  assert.deepEqual([other.status, other.body], [404, none.body], "as if the job did not exist");
  assert.equal((await anonymous.call(`job-status?job_id=${id}`)).status, 401);
  for (const endpoint of ["job-cancel", "job-retry"]) {
    assert.equal((await stranger.call(endpoint, { job_id: id })).status, 404);
    assert.equal((await anonymous.call(endpoint, { job_id: id })).status, 401);
  }
  const lines = await owner.call(`job-logs?job_id=${id}`);
  assert.ok(Number(lines.body.total_count) > 0, "the owner reads the log");
  assert.equal((await stranger.call(`job-logs?job_id=${id}`)).status, 404);
  assert.equal((await anonymous.call(`job-logs?job_id=${id}`)).status, 401);
  assert.equal((await owner.call("job-list")).body.total_count, 1);
  assert.equal((await stranger.call("job-list")).body.total_count, 0);
  assert.equal((await anonymous.call("job-list")).status, 401);
  assert.equal((await anonymous.call("sync-youtube", {})).status, 401);

  for (const topic of [`job_status:${id}`, `user_jobs:${owner.id}`]) {
    assert.equal(await join(owner, topic), "SUBSCRIBED");
    assert.equal(await join(stranger, topic), "CHANNEL_ERROR");
    assert.equal(await join(anonymous, topic), "CHANNEL_ERROR");
  }
  await Promise.all([owner.leave(), stranger.leave(), anonymous.leave()]);
});

Deno.test("a user cannot act for another by naming their id, nor call what is the worker's", async () => {
  const stack = await readStack();
  const owner = await Person.signUp(stack);
  const stranger = await Person.signUp(stack);
  await owner.connectYouTube(accountWith(50));
  const id = await owner.startSync();

  const cancel = await stranger.client.rpc("cancel_job", { p_job_id: id, p_user_id: owner.id });
  const claim = await stranger.client.rpc("claim_jobs", { p_worker_id: "me" });
  const complete = await stranger.client.rpc("complete_job", { p_job_id: id, p_result: {} });
  const tokens = await stranger.client.rpc("get_connection_tokens", {
    p_social_account_id: crypto.randomUUID(),
  });
  const update = await stranger.client.from("job_queue").update({ status: "failed" }).eq("id", id);

  assert.equal(cancel.error?.hint, "JOB_NOT_FOUND");
  for (const refused of [claim, complete, tokens, update]) {
    assert.equal(refused.error?.code, "42501", JSON.stringify(refused));
  }
  const job = await owner.waitForJob(id, ended);
  assert.equal(job.status, "completed");
});
