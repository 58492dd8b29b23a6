/** From an address to a session, by the rules of config.toml; `Person.signUp()` is the way that works. */
import assert from "node:assert/strict";
import { type AuthError, AuthWeakPasswordError, createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { readProjectConfig } from "../../../local/data_api/config.ts";
import { codeFromMail } from "../../../local/mailbox/code_from_mail.ts";
import { readStack } from "../../../local/stack/client.ts";

const { auth: rules } = await readProjectConfig();
const stack = await readStack();
const goodPassword = "Long-enough-2-guess";

const newAddress = () => `${crypto.randomUUID()}@example.com`;

function authClient() {
  const { auth } = createClient(stack.api_url, stack.publishable_key, {
    auth: { autoRefreshToken: false, persistSession: false },
  });
  return auth;
}

function assertAuthError(error: AuthError | null, status: number, code: string): AuthError {
  assert.deepEqual([error?.status, error?.code], [status, code]);
  return error!;
}

async function mailsTo(email: string): Promise<number> {
  const found = await fetch(`${stack.mail_url}/api/v1/search?query=to:${email}`);
  return (await found.json()).messages.length;
}

Deno.test("a password that config.toml finds weak opens no account, and says what is missing", async () => {
  assert.equal(
    rules.password_requirements.length,
    3,
    "lower and upper case and digits are asked for",
  );
  const length = rules.minimum_password_length;
  const cases: [string, string[]][] = [
    ["A1".padEnd(length - 1, "a"), ["length"]],
    ["A".padEnd(length, "a"), ["characters"]],
    ["1".padEnd(length, "a"), ["characters"]],
    ["1".padEnd(length, "A"), ["characters"]],
    ["a", ["length", "characters"]],
  ];
  const email = newAddress();
  for (const [password, reasons] of cases) {
    const { error, data } = await authClient().signUp({ email, password });
    const refused = assertAuthError(error, 422, "weak_password");
    assert.ok(refused instanceof AuthWeakPasswordError, password);
    assert.deepEqual(refused.reasons, reasons, password);
    assert.equal(data.user, null);
  }
  const long = await authClient().signUp({ email, password: "Aa1".padEnd(73, "a") });
  assertAuthError(long.error, 400, "validation_failed");
  assert.equal(await mailsTo(email), 0);
  const exact = await authClient().signUp({ email, password: "A1".padEnd(length, "a") });
  assert.equal(exact.error, null);
});

Deno.test("an account opens with the code from the mail: once, in time, and not before", async () => {
  const auth = authClient();
  const email = newAddress();
  const { data: { user, session } } = await auth.signUp({ email, password: goodPassword });
  assert.ok(user && !session, "there is no session before the address is proved");
  const tooEarly = await auth.signInWithPassword({ email, password: goodPassword });
  assertAuthError(tooEarly.error, 400, "email_not_confirmed");

  const token = await codeFromMail(stack.mail_url, email);
  assert.equal(token.length, rules.email.otp_length);
  const enter = (code: string) => auth.verifyOtp({ email, token: code, type: "signup" });
  const wrong = token.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
  assertAuthError((await enter(wrong)).error, 403, "otp_expired");
  assert.ok((await enter(token)).data.session);
  assertAuthError((await enter(token)).error, 403, "otp_expired");

  const signedIn = await auth.signInWithPassword({ email, password: goodPassword });
  assert.equal(signedIn.data.user?.id, user.id);
  const guessed = await auth.signInWithPassword({ email, password: `${goodPassword}!` });
  assertAuthError(guessed.error, 400, "invalid_credentials");
});

Deno.test("a code that is older than otp_expiry opens nothing", async () => {
  const email = newAddress();
  await authClient().signUp({ email, password: goodPassword });
  const token = await codeFromMail(stack.mail_url, email);
  const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  try {
    await sql`
      update auth.users
      set confirmation_sent_at = now() - make_interval(secs => ${rules.email.otp_expiry + 1})
      where email = ${email}`;
  } finally {
    await sql.end();
  }
  const late = await authClient().verifyOtp({ email, token, type: "signup" });
  assertAuthError(late.error, 403, "otp_expired");
});

Deno.test("a known address cannot be told from a new one, and its owner gets no second mail", async () => {
  const email = newAddress();
  await authClient().signUp({ email, password: goodPassword });
  const asked = await authClient().signUp({ email, password: goodPassword });
  assertAuthError(asked.error, 429, "over_email_send_rate_limit");
  const resent = await authClient().resend({ email, type: "signup" });
  assertAuthError(resent.error, 429, "over_email_send_rate_limit");

  const token = await codeFromMail(stack.mail_url, email);
  const { data } = await authClient().verifyOtp({ email, token, type: "signup" });
  const again = await authClient().signUp({ email, password: "Another-1-password" });
  assert.equal(again.error, null);
  assert.ok(again.data.user && !again.data.session);
  assert.notEqual(again.data.user.id, data.user?.id);
  assert.equal(await mailsTo(email), 1);
  const old = await authClient().signInWithPassword({ email, password: goodPassword });
  assert.equal(old.data.user?.id, data.user?.id, "the password is still the owner's");
});

Deno.test("a new password obeys the same rules, and a refresh token used long ago ends its session", async () => {
  const auth = authClient();
  const email = newAddress();
  await auth.signUp({ email, password: goodPassword });
  const token = await codeFromMail(stack.mail_url, email);
  const { data: { session } } = await auth.verifyOtp({ email, token, type: "signup" });
  assertAuthError((await auth.updateUser({ password: "short" })).error, 422, "weak_password");
  assertAuthError((await auth.updateUser({ password: goodPassword })).error, 422, "same_password");

  const first = session!.refresh_token;
  await auth.refreshSession();
  const { data: latest } = await auth.refreshSession();
  const stolen = await authClient().refreshSession({ refresh_token: first });
  assertAuthError(stolen.error, 400, "refresh_token_already_used");
  const after = await authClient().refreshSession({
    refresh_token: latest.session!.refresh_token,
  });
  assert.ok(after.error, "nobody goes on in a session whose token was stolen");
});
