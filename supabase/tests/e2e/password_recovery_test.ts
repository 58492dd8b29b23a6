/** A password that was forgotten: proved by mail, chosen anew, the old one gone. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { codeFromMail } from "../../../local/mailbox/code_from_mail.ts";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();
const [forgotten, chosen] = ["Forgotten-1-password", "Chosen-2-password"];

function authClient() {
  const { auth } = createClient(stack.api_url, stack.publishable_key, {
    auth: { autoRefreshToken: false, persistSession: false },
  });
  return auth;
}

async function forgetful(): Promise<string> {
  const email = `${crypto.randomUUID()}@example.com`;
  await authClient().signUp({ email, password: forgotten });
  const token = await codeFromMail(stack.mail_url, email);
  const { error } = await authClient().verifyOtp({ email, token, type: "signup" });
  assert.equal(error, null);
  // The next code that is looked for is the next mail's.
  await fetch(`${stack.mail_url}/api/v1/messages`, {
    method: "DELETE",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ IDs: await mailsTo(email) }),
  });
  return email;
}

async function mailsTo(email: string): Promise<string[]> {
  const found = await fetch(`${stack.mail_url}/api/v1/search?query=to:${email}`);
  return (await found.json()).messages.map(({ ID }: { ID: string }) => ID);
}

Deno.test("a forgotten password is replaced with a code from the mail, which works once", async () => {
  const email = await forgetful();
  const auth = authClient();
  assert.equal((await auth.resetPasswordForEmail(email)).error, null);
  const token = await codeFromMail(stack.mail_url, email);
  assert.equal((await auth.verifyOtp({ email, token, type: "recovery" })).error, null);
  assert.equal((await auth.updateUser({ password: chosen })).error, null);

  const signIn = (password: string) => authClient().signInWithPassword({ email, password });
  assert.equal((await signIn(forgotten)).error?.code, "invalid_credentials");
  assert.equal((await signIn(chosen)).error, null);
  const again = await authClient().verifyOtp({ email, token, type: "recovery" });
  assert.equal(again.error?.code, "otp_expired");
});

Deno.test("recovery mails keep their pace, and an unknown address gets the same answer and none", async () => {
  const email = await forgetful();
  const unknown = `${crypto.randomUUID()}@example.com`;
  const first = await authClient().resetPasswordForEmail(email);
  const none = await authClient().resetPasswordForEmail(unknown);
  assert.deepEqual([first.error, none.error], [null, null]);
  const second = await authClient().resetPasswordForEmail(email);
  assert.deepEqual([second.error?.status, second.error?.code], [429, "over_email_send_rate_limit"]);
  assert.deepEqual([(await mailsTo(email)).length, (await mailsTo(unknown)).length], [1, 0]);
});

Deno.test("a code for recovery opens no sign-up, and a session of somebody else changes nothing", async () => {
  const email = await forgetful();
  await authClient().resetPasswordForEmail(email);
  const token = await codeFromMail(stack.mail_url, email);
  const wrongKind = await authClient().verifyOtp({ email, token, type: "signup" });
  assert.equal(wrongKind.error?.code, "otp_expired");
  const stranger = await forgetful();
  const wrongPerson = await authClient().verifyOtp({ email: stranger, token, type: "recovery" });
  assert.equal(wrongPerson.error?.code, "otp_expired");
  const nobody = await authClient().updateUser({ password: chosen });
  assert.ok(nobody.error, "without a session there is no password to change");
});
