import assert from "node:assert/strict";
import { filesWith, rowsWith } from "../../../local/gate/search.ts";
import { readStack } from "../../../local/stack/client.ts";
import { Journey, type Platform, tokenPaths } from "./journey.ts";
import { ended, Person } from "./person.ts";
import { accountWith, addFault, setClock } from "./simulator.ts";

/** All that goes well and wrong between a creator and a platform. */
async function travel(journey: Journey): Promise<void> {
  await journey.finish(await journey.consent("deny"));
  for (const kind of ["server_error", "connection_reset", "truncated_json"]) {
    const back = await journey.consent("approve");
    await journey.fault(kind);
    assert.notEqual((await journey.finish(back)).status, 200, `${kind} is survived`);
  }
  const used = await journey.consent("approve");
  assert.equal((await journey.finish(used)).status, 200);
  assert.notEqual((await journey.finish(used)).status, 200, "a state works once");

  const account = await journey.connect();
  // Instagram renews no token that is younger than a day.
  await setClock(journey.stack, 25 * 3600);
  assert.equal(await journey.renew(account), "renewed");
  await journey.keepTokens(account);
  await setClock(journey.stack, 0);
  await journey.call("oauth-disconnect", { social_account_id: account });

  const again = await journey.connect();
  await journey.fault("revoked_token");
  assert.equal(await journey.renew(again), "ended");
  await journey.call("oauth-disconnect", { social_account_id: again });

  const last = await journey.connect();
  await journey.fault("server_error");
  assert.equal(await journey.renew(last), "failed");
  await journey.fault("server_error");
  await journey.call("oauth-disconnect", { social_account_id: last });
}

for (const platform of Object.keys(tokenPaths) as Platform[]) {
  Deno.test(`no token, code, state or verifier of ${platform} stands anywhere afterwards`, async () => {
    const stack = await readStack();
    await using journey = await Journey.begin(stack, platform);
    await travel(journey);
    const { client } = journey.creator;
    for (const table of ["platform_connection", "social_account", "notification"] as const) {
      journey.heard.push(JSON.stringify(await client.from(table).select("*")));
    }
    const secrets = [...journey.secrets];
    assert.ok(secrets.length >= 20, "there is something to look for");
    const { id } = journey.creator;
    assert.ok((await rowsWith(stack.admin_db_url, [id])).length > 5, "what is stored is found");
    const logs = await filesWith(`${stack.state_dir}/logs`, [`oauth-${platform}-callback`]);
    assert.ok(logs.length > 0, "what is logged is found");
    assert.deepEqual(await rowsWith(stack.admin_db_url, secrets), []);
    assert.deepEqual(await filesWith(`${stack.state_dir}/logs`, secrets), []);
    assert.deepEqual(journey.heard.filter((text) => secrets.some((one) => text.includes(one))), []);
  });
}

Deno.test("a sync that has to refresh its token leaves none in its job, its log or its answer", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const account = accountWith(100);
  await using journey = await Journey.begin(stack, "youtube");
  const socialAccount = await creator.connectYouTube(account);
  await journey.keepTokens(socialAccount);
  await addFault(stack, account, { kind: "expired_token", path: "/youtube/v3/videos" });
  const id = await creator.startSync();
  const job = await creator.waitForJob(id, ended);
  assert.equal(job.status, "completed", "an expired token is refreshed once");
  await journey.keepTokens(socialAccount);

  const secrets = [...journey.secrets];
  const responses = JSON.stringify([
    await creator.call(`job-status?job_id=${id}`),
    await creator.client.from("platform_connection").select("*"),
    await creator.client.from("social_account").select("*"),
    await creator.client.from("job_log").select("*"),
  ]);
  assert.ok(secrets.length >= 3, "two access tokens and a refresh token to look for");
  assert.deepEqual(await rowsWith(stack.admin_db_url, secrets), []);
  assert.deepEqual(await filesWith(`${stack.state_dir}/logs`, secrets), []);
  assert.ok(secrets.every((secret) => !responses.includes(secret)));
});
