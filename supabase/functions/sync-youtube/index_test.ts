import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

stackTest("sync-youtube accepts a sync and says where to watch it", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  const social_account_id = await owner.connectYouTube(accountWith(3));
  const { status, body } = await call(fetch, owner, "sync-youtube", { social_account_id });
  assert.equal(status, 202);
  assert.deepEqual(body, {
    success: true,
    job_id: body.job_id,
    status: "pending",
    outcome: "created",
    polling_endpoint: `${stack.api_url}/functions/v1/job-status?job_id=${body.job_id}`,
    websocket_channel: `job_status:${body.job_id}`,
  });
});

stackTest("sync-youtube finds the only connected channel, and without one says so", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  assertRefused(await call(fetch, owner, "sync-youtube", {}), 404, "SOCIAL_ACCOUNT_NOT_FOUND");
  await owner.connectYouTube(accountWith(3));
  assert.equal((await call(fetch, owner, "sync-youtube", { max_results: 2 })).status, 202);
});

stackTest("sync-youtube asks which channel is meant when there are several", async () => {
  const { fetch, stack } = await open();
  const owner = await Person.signUp(stack);
  await owner.subscribe("basic");
  for (const videos of [2, 3]) await owner.connectYouTube(accountWith(videos));
  assertRefused(await call(fetch, owner, "sync-youtube", {}), 409, "SOCIAL_ACCOUNT_AMBIGUOUS");
});

stackTest("sync-youtube does not know a stranger's channel", async () => {
  const { fetch, stack } = await open();
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  const social_account_id = await owner.connectYouTube(accountWith(3));
  const answer = await call(fetch, stranger, "sync-youtube", { social_account_id });
  assertRefused(answer, 404, "SOCIAL_ACCOUNT_NOT_FOUND");
});

stackTest("sync-youtube is for signed-in users, with a valid body", async () => {
  const { fetch, stack } = await open();
  assertRefused(await call(fetch, null, "sync-youtube", {}), 401, "UNAUTHENTICATED");
  const person = await Person.signUp(stack);
  for (
    const body of [
      { social_account_id: "mine" },
      { max_results: 0 },
      { max_results: 1.5 },
      { user_id: person.id },
      [],
    ]
  ) {
    assertRefused(await call(fetch, person, "sync-youtube", body), 400, "VALIDATION_ERROR");
  }
});
