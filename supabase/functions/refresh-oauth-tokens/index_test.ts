import assert from "node:assert/strict";
import postgres from "postgres";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { type Fetch, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

async function ask(refresh: Fetch, headers: Record<string, string>) {
  const request = new Request("http://function/refresh-oauth-tokens", { method: "POST", headers });
  const response = await refresh(request);
  return { status: response.status, body: await response.json() };
}

/** Lets a connection end so soon that its job is due at once, and waits for what becomes of it. */
async function refreshed(stack: StackInfo, refresh: Fetch, person: Person) {
  const sql = postgres(stack.admin_db_url, { max: 1 });
  try {
    await sql`
      update public.platform_connection set token_expires_at = now() + interval '10 minutes'
      where user_id = ${person.id}`;
    const { status, body } = await ask(refresh, { apikey: stack.automation_key });
    assert.equal(status, 202, JSON.stringify(body));
    assert.ok(body.created >= 1);
    for (const end = Date.now() + 30_000; Date.now() < end;) {
      const [job] = await sql`
        select job.status, job.error_code, job.result, connection.token_version, connection.status as connection,
          job::text as text
        from public.job_queue as job
        join public.social_account as account on account.id::text = job.params ->> 'social_account_id'
        join public.platform_connection as connection on connection.id = account.connection_id
        where job.job_type = 'token_refresh' and account.user_id = ${person.id} and job.completed_at is not null`;
      if (job) return job;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.fail("the job does not end");
  } finally {
    await sql.end();
  }
}

stackTest("refresh-oauth-tokens renews tokens before they end", async () => {
  const { fetch: refresh, stack } = await open();
  const person = await Person.signUp(stack);
  await person.connectYouTube(accountWith(3));

  const { text, ...job } = await refreshed(stack, refresh, person);

  assert.deepEqual(job, {
    status: "completed",
    error_code: null,
    result: { outcome: "renewed" },
    token_version: 2,
    connection: "active",
  });
  assert.doesNotMatch(text, /ya29|1\/\//, "no token stands in the job");
  const { data } = await person.client.from("platform_connection").select("token_expires_at")
    .single().throwOnError();
  assert.ok(Date.parse(data.token_expires_at!) > Date.now() + 50 * 60_000);
});

stackTest(
  "refresh-oauth-tokens finds out that a grant is gone, and tells its owner once",
  async () => {
    const { fetch: refresh, stack } = await open();
    const person = await Person.signUp(stack);
    const accountId = await person.connectYouTube(accountWith(3));
    const sql = postgres(stack.admin_db_url, { max: 1 });
    const [tokens] = await sql`select * from public.get_connection_tokens(${accountId})`;
    await sql.end();
    const revoked = await fetch(`${stack.providers_url}/google/revoke`, {
      method: "POST",
      body: new URLSearchParams({ token: tokens!.refresh_token }),
    });
    assert.equal(revoked.status, 200);
    await revoked.body?.cancel();

    const { text: _text, ...job } = await refreshed(stack, refresh, person);

    assert.deepEqual(job, {
      status: "completed",
      error_code: null,
      result: { outcome: "ended" },
      token_version: 1,
      connection: "disconnected",
    });
    const { data: told } = await person.client.from("notification").select("kind, data")
      .eq("kind", "connection_revoked").throwOnError();
    assert.deepEqual(told, [{
      kind: "connection_revoked",
      data: { social_account_id: accountId, platform: "youtube" },
    }]);
  },
);

stackTest("refresh-oauth-tokens is for our own automation", async () => {
  const { fetch: refresh, stack } = await open();
  const person = await Person.signUp(stack);
  const strangers: Record<string, string>[] = [
    {},
    { apikey: stack.publishable_key },
    { apikey: stack.secret_key },
    { apikey: stack.publishable_key, authorization: `Bearer ${person.token}` },
  ];
  for (const headers of strangers) {
    const { status, body } = await ask(refresh, headers);
    assert.deepEqual([status, body.error.code], [401, "UNAUTHENTICATED"]);
  }
});
