import { deepEqual, equal, match, ok } from "node:assert/strict";
import { codeFromMail } from "../mailbox/code_from_mail.ts";
import { type Answer, apiTarget, ask } from "./contract_target.ts";

const target = await apiTarget();
const password = "Correct horse 1!";

const newAddress = () => `contract-${crypto.randomUUID()}@example.com`;
const post = (path: string, body: unknown) =>
  ask(target, "anon", "POST", `/auth/v1${path}`, { body });
const signIn = (email: string, password: string) =>
  post("/token?grant_type=password", { email, password });

/** The code of an error, however many words it comes with. */
const refusal = (
  { status, body }: Answer,
) => [status, (body as { error_code?: string }).error_code];

interface Session {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly user: { readonly id: string; readonly email: string };
}

async function signUp(email: string): Promise<Session> {
  equal((await post("/signup", { email, password })).status, 200);
  const token = await codeFromMail(target.mailUrl, email);
  const { status, body } = await post("/verify", { type: "signup", email, token });
  equal(status, 200);
  return body as Session;
}

Deno.test("Auth: an account is confirmed by the code in the mail before it can be used", async () => {
  const email = newAddress();
  const { status, body } = await post("/signup", { email, password });
  equal(status, 200);
  const user = body as Record<string, unknown>;
  equal(user.email, email);
  equal("access_token" in user, false, "no session before the address is proved");
  deepEqual(refusal(await signIn(email, password)), [400, "email_not_confirmed"]);

  const wrong = await post("/verify", { type: "signup", email, token: "000000" });
  deepEqual(refusal(wrong), [403, "otp_expired"]);
  const verified = await post("/verify", {
    type: "signup",
    email,
    token: await codeFromMail(target.mailUrl, email),
  });
  const session = verified.body as Session;
  equal(session.token_type, "bearer");
  ok(session.expires_in > 0 && session.refresh_token.length > 8);
  equal((await signIn(email, password)).status, 200);
});

Deno.test("Auth: a token says who somebody is and which role", async () => {
  const session = await signUp(newAddress());
  const claims = JSON.parse(
    atob(session.access_token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")),
  );
  equal(claims.sub, session.user.id);
  equal(claims.role, "authenticated");
  equal(claims.aud, "authenticated");
  ok(claims.exp - claims.iat === session.expires_in);
  const me = await ask(target, { token: session.access_token }, "GET", "/auth/v1/user");
  equal((me.body as { id: string }).id, session.user.id);
});

Deno.test("Auth: wrong passwords, weak passwords and used addresses are refused by code", async () => {
  const email = newAddress();
  await signUp(email);
  deepEqual(refusal(await signIn(email, "Wrong horse 1!")), [400, "invalid_credentials"]);
  deepEqual(refusal(await signIn(newAddress(), password)), [400, "invalid_credentials"]);
  const weak = await post("/signup", { email: newAddress(), password: "short" });
  deepEqual(refusal(weak), [422, "weak_password"]);
  // Who asks must not learn that the address is known, once its mails may follow each other.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const again = await post("/signup", { email, password });
  equal(again.status, 200);
  equal("access_token" in (again.body as object), false);
});

Deno.test("Auth: a refresh token gives a new session; after the logout it gives none", async () => {
  const session = await signUp(newAddress());
  const refreshed = await post("/token?grant_type=refresh_token", {
    refresh_token: session.refresh_token,
  });
  equal(refreshed.status, 200);
  const next = refreshed.body as Session;
  equal(next.user.id, session.user.id);
  const left = await ask(target, { token: next.access_token }, "POST", "/auth/v1/logout");
  equal(left.status, 204);
  const refused = await post("/token?grant_type=refresh_token", {
    refresh_token: next.refresh_token,
  });
  equal(refused.status, 400);
  match(
    String(refusal(refused)[1]),
    /^(refresh_token_not_found|session_not_found|refresh_token_already_used)$/,
  );
});

Deno.test("Auth: nobody is somebody without a token, or with one that nobody signed", async () => {
  equal((await ask(target, "anon", "GET", "/auth/v1/user")).status, 401);
  const { access_token } = await signUp(newAddress());
  const forged = access_token.slice(0, -6) +
    (access_token.endsWith("AAAAAA") ? "BBBBBB" : "AAAAAA");
  const answer = await ask(target, { token: forged }, "GET", "/auth/v1/user");
  ok([401, 403].includes(answer.status), String(answer.status));
});
