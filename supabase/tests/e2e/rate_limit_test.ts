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
