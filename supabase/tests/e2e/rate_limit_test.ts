import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { accountWith } from "./simulator.ts";

Deno.test("a user who asks for too many syncs is told when to come back, by the function and by the data API", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const neighbour = await Person.signUp(stack);
  await creator.connectYouTube(accountWith(1));
  await neighbour.connectYouTube(accountWith(1));
  await creator.waitForJob(await creator.startSync(), ended);
  const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  const { count } = await sql`
    update private.rate_limit_counter set request_count = 100000
    where function_name = 'sync-youtube' and caller = 'user' and key_hash = sha256(${creator.id}::bytea)`;
  await sql.end();
  assert.equal(count, 1, "the first request was counted");

  const refused = await creator.call("sync-youtube", {});
  const direct = await creator.client.rpc("request_sync", { p_platform: "youtube" });

  assert.equal(refused.status, 429);
  assert.equal((refused.body.error as { code: string }).code, "RATE_LIMITED");
  for (const header of ["retry-after", "ratelimit-limit", "ratelimit-reset"]) {
    assert.ok(Number(refused.headers.get(header)) > 0, header);
  }
  assert.equal(refused.headers.get("ratelimit-remaining"), "0");
  assert.deepEqual([direct.status, direct.error?.hint], [429, "RATE_LIMITED"]);
  await neighbour.waitForJob(await neighbour.startSync(), ended);
});

Deno.test("a user who has used up the syncs of this cycle is told until when, by the function and by the data API", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const neighbour = await Person.signUp(stack);
  await creator.connectYouTube(accountWith(1));
  await neighbour.connectYouTube(accountWith(1));
  await creator.waitForJob(await creator.startSync(), ended);
  const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  const [spent] = await sql`
    update public.subscription as own set syncs_used = tier.max_syncs
    from public.subscription_tier as tier
    where tier.name = own.tier and own.user_id = ${creator.id}
    returning (
      select count(*)::int from public.job_queue
      where user_id = own.user_id and job_type = 'sync_youtube') as jobs`;

  const refused = await creator.call("sync-youtube", {});
  const direct = await creator.client.rpc("request_sync", { p_platform: "youtube" });

  const [after] = await sql`
    select count(*)::int as jobs from public.job_queue
    where user_id = ${creator.id} and job_type = 'sync_youtube'`;
  await sql.end();
  const error = refused.body.error as { code: string; details: Record<string, unknown> };
  assert.deepEqual([refused.status, error.code, error.details.quota], [
    429,
    "QUOTA_EXCEEDED",
    "syncs",
  ]);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.deepEqual([direct.status, direct.error?.hint], [429, "QUOTA_EXCEEDED"]);
  assert.deepEqual([spent!.jobs, after!.jobs], [1, 1], "no job was left behind");
  await neighbour.waitForJob(await neighbour.startSync(), ended);
});
