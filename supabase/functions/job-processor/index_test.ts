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

Deno.test("job-processor starts without the keys of any platform", async () => {
  const { api_url, automation_key, db_url } = await readStack();
  const call = `
    const { default: processor } = await import("./index.ts");
    const request = new Request("http://localhost/job-processor", { method: "POST" });
    const { status } = await processor.fetch(request);
    console.log("answered", status);
    Deno.exit();`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", call],
    cwd: new URL(".", import.meta.url),
    clearEnv: true,
    env: {
      HOME: Deno.env.get("HOME") ?? "",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
      AUTOMATION_KEY: automation_key,
      SUPABASE_URL: api_url,
      SUPABASE_DB_URL: db_url,
      SUPABASE_ANON_KEY: "none",
      SUPABASE_SERVICE_ROLE_KEY: "none",
    },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.match(text(stdout), /^answered 401$/m, text(stderr));
});

Deno.test("job-processor takes POST only", async () => {
  const { automation_key: apikey } = await readStack();

  const { status, body } = await ring({ apikey }, "", "GET");

  assert.deepEqual([status, body.error.code], [405, "METHOD_NOT_ALLOWED"]);
});
