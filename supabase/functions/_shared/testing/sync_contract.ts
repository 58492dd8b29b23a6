/** For tests: what every `sync-<platform>` promises. */

import assert from "node:assert/strict";
import { Person } from "../../../tests/e2e/person.ts";
import { accountWith } from "../../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "./stack.ts";

/** Adds the tests of a platform's function. */
export function testSyncFunction(
  platform: string,
  load: Parameters<typeof openFunction>[0],
): void {
  const name = `sync-${platform}`;
  const open = () => openFunction(load);

  stackTest(`${name} accepts a sync and says where to watch it`, async () => {
    const { fetch, stack } = await open();
    const owner = await Person.signUp(stack);
    const social_account_id = await owner.connect(platform, accountWith(3));
    const { status, body } = await call(fetch, owner, name, { social_account_id });
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

  stackTest(`${name} finds the only connected account, and without one says so`, async () => {
    const { fetch, stack } = await open();
    const owner = await Person.signUp(stack);
    assertRefused(await call(fetch, owner, name, {}), 404, "SOCIAL_ACCOUNT_NOT_FOUND");
    await owner.connect(platform, accountWith(3));
    assert.equal((await call(fetch, owner, name, { max_results: 2 })).status, 202);
  });

  stackTest(`${name} asks which account is meant when there are several`, async () => {
    const { fetch, stack } = await open();
    const owner = await Person.signUp(stack);
    await owner.subscribe("basic");
    for (const videos of [2, 3]) await owner.connect(platform, accountWith(videos));
    assertRefused(await call(fetch, owner, name, {}), 409, "SOCIAL_ACCOUNT_AMBIGUOUS");
  });

  stackTest(`${name} does not know a stranger's account`, async () => {
    const { fetch, stack } = await open();
    const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
    const social_account_id = await owner.connect(platform, accountWith(3));
    const answer = await call(fetch, stranger, name, { social_account_id });
    assertRefused(answer, 404, "SOCIAL_ACCOUNT_NOT_FOUND");
  });

  stackTest(`${name} is for signed-in users, with a valid body`, async () => {
    const { fetch, stack } = await open();
    assertRefused(await call(fetch, null, name, {}), 401, "UNAUTHENTICATED");
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
      assertRefused(await call(fetch, person, name, body), 400, "VALIDATION_ERROR");
    }
  });
}
