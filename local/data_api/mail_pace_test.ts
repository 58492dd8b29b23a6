import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { Hono } from "hono";
import { mailPace } from "./mail_pace.ts";

const minute = 60_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

/** Auth with one account, refusing as lite does, behind the pace of one mail a minute. */
function authWith(user: Record<string, string | null>) {
  const stored: Record<string, string | null> = {
    id: "00000000-0000-4000-8000-000000000001",
    confirmed_at: null,
    confirmation_token: null,
    confirmation_sent_at: null,
    recovery_sent_at: null,
    ...user,
  };
  const mails: { to: string; hash: string; code: string }[] = [];
  const authService = {
    repo: {
      findUserByEmail: (email: string) =>
        Promise.resolve(email === "known@example.com" ? stored : null),
      updateUser: (_id: string, updates: object) => Promise.resolve(Object.assign(stored, updates)),
    },
    mailer: {
      sendConfirmation: (to: string, hash: string, code: string) => {
        mails.push({ to, hash, code });
        return Promise.resolve();
      },
    },
  };
  const app = new Hono<{ Variables: { authService: typeof authService } }>()
    .use(async (context, next) => {
      context.set("authService", authService);
      await next();
    })
    .use(mailPace({ max_frequency: minute, otp_length: 8 }))
    .post("/auth/v1/recover", (context) => context.json({}, 200))
    .post("/auth/v1/*", async (context) => {
      const { email } = await context.req.json();
      return email.toLowerCase() === "known@example.com"
        ? context.json({ error_code: "over_email_send_rate_limit" }, 429)
        : context.json({ id: "new" }, 200);
    });
  const ask = async (route: string, body: object) => {
    const response = await app.request(`/auth/v1/${route}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  return { ask, mails, stored };
}

Deno.test("a second confirmation mail goes out once the pace allows it, with a new code", async () => {
  for (const route of ["signup", "resend"]) {
    const { ask, mails, stored } = authWith({ confirmation_sent_at: ago(minute) });
    const again = () => ask(route, { type: "signup", email: "Known@example.com" });
    equal((await again()).status, 200);
    equal(mails.length, 1);
    match(mails[0]!.code, /^\d{8}$/);
    equal(mails[0]!.hash, stored.confirmation_token);
    const tooSoon = await again();
    deepEqual(tooSoon, {
      status: 429,
      body: {
        code: 429,
        error_code: "over_email_send_rate_limit",
        msg: "For security purposes, you can only request this after 60 seconds.",
      },
    });
    equal(mails.length, 1);
  }
});

Deno.test("signing up with an address that has an account looks like any sign-up and sends nothing", async () => {
  const { ask, mails, stored } = authWith({ confirmed_at: ago(minute) });
  const { status, body } = await ask("signup", { email: "known@example.com", data: { a: 1 } });
  equal(status, 200);
  notEqual(body.id, stored.id);
  deepEqual([body.email, body.user_metadata, body.identities], ["known@example.com", { a: 1 }, []]);
  deepEqual((await ask("resend", { type: "signup", email: "known@example.com" })).body, {});
  equal(mails.length, 0);
});

Deno.test("a recovery mail waits for the pace, an unknown address does not", async () => {
  const { ask, stored } = authWith({ recovery_sent_at: ago(minute / 2) });
  const answer = await ask("recover", { email: "known@example.com" });
  equal(answer.status, 429);
  match(answer.body.msg, /after (29|30) seconds/);
  stored.recovery_sent_at = ago(minute);
  equal((await ask("recover", { email: "known@example.com" })).status, 200);
  equal((await ask("recover", { email: "other@example.com" })).status, 200);
  equal((await ask("signup", { email: "other@example.com" })).status, 200);
});
