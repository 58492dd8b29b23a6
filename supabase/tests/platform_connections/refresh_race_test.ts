/** One refresh of a connection at a time, over processes that know nothing of each other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { type FakeServer, serveFake } from "../../functions/_shared/testing/fake_server.ts";

const stack = await readStack();
const PROCESSES = 4;
const WORKERS = 5;

/** A provider whose refresh tokens rotate: one that is used twice ends the grant, as providers do. */
function rotatingProvider(first: string): FakeServer {
  let valid: string | null = first;
  let round = 0;
  return serveFake(async ({ body }) => {
    const used = new URLSearchParams(body).get("refresh_token");
    if (used !== valid) valid = null;
    if (valid === null) return Response.json({ error: "invalid_grant" }, { status: 400 });
    round += 1;
    valid = `rt-${round}-secret`;
    // Long enough for everybody to come and find the lease taken.
    await new Promise((resolve) => setTimeout(resolve, 500));
    return Response.json({
      access_token: `at-${round}-secret`,
      refresh_token: valid,
      expires_in: 3600,
      scope: "read",
      token_type: "Bearer",
    });
  });
}

/** A connected account whose access token has ended, with the refresh token `rt-0-secret`. */
async function withAccount(
  run: (scene: { sql: postgres.Sql; user: string; account: string }) => Promise<void>,
) {
  const sql = postgres(stack.db_url, { max: 4, onnotice: () => {} });
  const user = crypto.randomUUID();
  try {
    await sql`insert into auth.users (id, email) values (${user}, ${`${user}@tests.invalid`})`;
    const [made] = await sql`
      select public.connect_platform_account(
        ${user}, 'youtube', ${sql.json({ platform_account_id: user })},
        ${sql.json({ access_token: "at-0-secret", refresh_token: "rt-0-secret" })},
        '{read}', now()) as account`;
    await run({ sql, user, account: made!.account });
  } finally {
    await sql`delete from auth.users where id = ${user}`;
    await sql.end();
  }
}

/** Starts processes, lets them go at once, and returns what all of their workers got. */
async function race(provider: FakeServer, account: string): Promise<string[]> {
  const processes = Array.from({ length: PROCESSES }, () => {
    const script = join(import.meta.dirname!, "refresh_process.ts");
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", script, provider.url, account, `${WORKERS}`],
      env: {
        SUPABASE_URL: stack.api_url,
        SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.publishable_key }),
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secret_key }),
      },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  });
  const outputs = processes.map(({ stdout }) => stdout.pipeThrough(new TextDecoderStream()));
  const readers = outputs.map((output) => output.getReader());
  for (const reader of readers) assert.equal((await reader.read()).value?.trim(), "ready");
  for (const { stdin } of processes) {
    const writer = stdin.getWriter();
    await writer.write(new Uint8Array(1));
    writer.releaseLock();
  }
  const answers: string[] = [];
  for (const reader of readers) {
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    answers.push(...JSON.parse(text));
  }
  for (const { stdin, status } of processes) {
    await stdin.close().catch(() => {});
    await status;
  }
  assert.equal(answers.length, PROCESSES * WORKERS);
  return answers;
}

Deno.test("20 workers in 4 processes that need one connection's tokens make one call", async () => {
  await withAccount(async ({ sql, account }) => {
    await using provider = rotatingProvider("rt-0-secret");

    assert.deepEqual(new Set(await race(provider, account)), new Set(["at-1-secret"]));
    assert.equal(provider.seen.length, 1);
    await sql`
      update public.platform_connection set token_expires_at = now()
      where id = (select connection_id from public.social_account where id = ${account})`;
    assert.deepEqual(new Set(await race(provider, account)), new Set(["at-2-secret"]));
    assert.equal(provider.seen.length, 2, "the rotated token was stored, and works");

    const [stored] = await sql`select * from public.get_connection_tokens(${account})`;
    assert.deepEqual([stored!.refresh_token, stored!.token_version, stored!.status], [
      "rt-2-secret",
      3,
      "active",
    ]);
  });
});

Deno.test("a worker that died with new tokens in its hands ends the connection, which is told once", async () => {
  await withAccount(async ({ sql, user, account }) => {
    // The provider has rotated, and whoever asked it to is gone with the answer.
    await using provider = rotatingProvider("what only the dead worker knew");
    const [read] = await sql`select * from public.get_connection_tokens(${account})`;
    const { connection_id, token_version } = read!;
    await sql`select public.claim_token_lease(${connection_id}, ${token_version}, ${crypto.randomUUID()})`;
    const admin = postgres(stack.admin_db_url, { max: 1 });
    await admin`update private.token_lease set expires_at = now() where connection_id = ${connection_id}`;
    await admin.end();

    const answers = await race(provider, account);

    assert.equal(provider.seen.length, 1, "the lease of the dead keeps nobody away, and one asks");
    for (const answer of answers) {
      assert.match(answer, /^CONNECTION_REVOKED/);
      assert.doesNotMatch(answer, /secret|s3cr3t/, "no error says a token");
    }
    const told = await sql`
      select kind, data::text as details from public.notification where user_id = ${user}
        and kind = 'connection_revoked'
      union all
      select action, details::text from public.audit_log where user_id = ${user} and action = 'connection.revoked'`;
    assert.deepEqual(told.map(({ kind }) => kind), ["connection_revoked", "connection.revoked"]);
    assert.doesNotMatch(JSON.stringify(told), /secret/);
  });
});
