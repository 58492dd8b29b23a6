import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { Person } from "../../tests/e2e/person.ts";

/** Rings the processor through the gateway, as the database does. */
async function ring(headers: Record<string, string>, query = "", method = "POST") {
  const stack = await readStack();
  const response = await fetch(`${stack.api_url}/functions/v1/job-processor${query}`, {
    method,
    headers,
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("job-processor answers the automation key at once, and wakes one worker", async () => {
  const { automation_key: apikey } = await readStack();

  const first = await ring({ apikey });
  const second = await ring({ apikey });

  assert.deepEqual([first.status, second.status], [202, 202]);
  assert.equal(second.body.outcome, "awake");
  assert.equal(second.body.worker_id, first.body.worker_id);
});

Deno.test("job-processor with wait=true answers when it has drained, and says what it did", async () => {
  const { automation_key: apikey } = await readStack();

  const { status, body } = await ring({ apikey }, "?wait=true");

  assert.equal(status, 200);
  for (const count of ["claimed", "completed", "failed", "retried", "yielded", "cancelled"]) {
    assert.equal(typeof body[count], "number", count);
  }
});

Deno.test("job-processor refuses everybody who has not the automation key", async () => {
  const { automation_key, publishable_key, secret_key } = await readStack();
  const user = await Person.signUp(await readStack());
  const callers: Record<string, Record<string, string>> = {
    "nobody": {},
    "anon": { apikey: publishable_key },
    "the platform's secret key": { apikey: secret_key },
    "a user": { apikey: publishable_key, authorization: `Bearer ${user.token}` },
    "a key that is almost right": { apikey: automation_key.slice(0, -1) },
    "the key as a bearer token": { authorization: `Bearer ${automation_key}` },
  };

  for (const [caller, headers] of Object.entries(callers)) {
    const { status, body } = await ring(headers);
    assert.deepEqual([status, body.error?.code], [401, "UNAUTHENTICATED"], caller);
  }
  await user.leave();
});

Deno.test("job-processor takes POST only", async () => {
  const { automation_key: apikey } = await readStack();

  const { status, body } = await ring({ apikey }, "", "GET");

  assert.deepEqual([status, body.error.code], [405, "METHOD_NOT_ALLOWED"]);
});
