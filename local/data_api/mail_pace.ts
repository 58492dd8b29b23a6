import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";

/** What `[auth.email]` says about the pace of mail. */
export interface MailPace {
  /** Milliseconds between two mails to one address. */
  readonly max_frequency: number;
  readonly otp_length: number;
}

/** The parts of lite's Auth that this builds on; it puts them into every request. */
interface AuthParts {
  readonly repo: {
    findUserByEmail(email: string): Promise<AuthUser | null>;
    updateUser(id: string, updates: Partial<AuthUser>): Promise<AuthUser | null>;
  };
  readonly mailer: {
    sendConfirmation(email: string, hash: string, code: string, meta: object): Promise<void>;
  };
}

interface AuthUser {
  readonly id: string;
  readonly confirmed_at: string | null;
  readonly confirmation_token: string | null;
  readonly confirmation_sent_at: string | null;
  readonly recovery_sent_at: string | null;
}

const Asked = z.object({
  email: z.string().toLowerCase(),
  type: z.string().optional(),
  data: z.record(z.string(), z.unknown()).default({}),
});

/**
 * The pace of Auth's mail as GoTrue keeps it. lite knows no `max_frequency`: a recovery mail it sends
 * at any time, and whoever asks a second time for a confirmation it refuses for good, which also tells
 * a stranger which addresses have an account.
 */
export function mailPace(pace: MailPace): MiddlewareHandler {
  return async (context, next) => {
    const { method, path } = context.req;
    const route = method === "POST" ? path.replace("/auth/v1/", "") : "";
    if (route === "recover" || route === "otp" || route === "magiclink") {
      const { user } = await askedFor(context);
      const seconds = user ? secondsToWait(user.recovery_sent_at, pace) : 0;
      if (seconds > 0) return tooSoon(context, seconds);
    }
    await next();
    if ((route === "signup" || route === "resend") && context.res.status === 429) {
      const answer = await askedAgain(context, route, pace);
      if (answer) {
        // Whatever headers lite set belong to its refusal.
        context.res = undefined;
        context.res = answer;
      }
    }
  };
}

/** What lite refuses: an address that is known signs up, or asks for another confirmation mail. */
async function askedAgain(
  context: Context,
  route: "signup" | "resend",
  pace: MailPace,
): Promise<Response | undefined> {
  const { auth, asked, user } = await askedFor(context);
  if (!asked || !user || (route === "resend" && asked.type !== "signup")) return undefined;
  const known = user.confirmed_at !== null;
  if (!known) {
    const seconds = secondsToWait(user.confirmation_sent_at, pace);
    if (seconds > 0) return tooSoon(context, seconds);
    await confirmAgain(auth, user, asked.email, pace.otp_length);
  }
  if (route === "resend") return context.json({}, 200);
  return context.json(userToShow(known ? null : user.id, asked), 200);
}

async function confirmAgain(auth: AuthParts, user: AuthUser, email: string, length: number) {
  const code = Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => byte % 10)
    .join("");
  const bytes = new TextEncoder().encode(email + code);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  await auth.repo.updateUser(user.id, {
    confirmation_token: hash,
    confirmation_sent_at: new Date().toISOString(),
  });
  await auth.mailer.sendConfirmation(email, hash, code, { userId: user.id });
}

/** Who has proved this address already is not shown: a made-up user without identities is, as GoTrue does. */
function userToShow(known: string | null, { email, data }: z.infer<typeof Asked>) {
  const id = known ?? crypto.randomUUID();
  const now = new Date().toISOString();
  return {
    id,
    aud: "authenticated",
    role: "authenticated",
    email,
    phone: "",
    confirmation_sent_at: now,
    app_metadata: { provider: "email", providers: ["email"] },
    user_metadata: data,
    identities: known === null ? [] : [{
      identity_id: id,
      id,
      user_id: id,
      provider: "email",
      identity_data: { sub: id, email },
    }],
    created_at: now,
    updated_at: now,
    is_anonymous: false,
  };
}

async function askedFor(context: Context) {
  const auth: AuthParts = context.get("authService");
  const body: unknown = await context.req.text().then(JSON.parse).catch(() => null);
  const asked = Asked.safeParse(body).data;
  return { auth, asked, user: asked ? await auth.repo.findUserByEmail(asked.email) : null };
}

function secondsToWait(sentAt: string | null, { max_frequency }: MailPace): number {
  if (sentAt === null) return 0;
  return Math.ceil((new Date(sentAt).getTime() + max_frequency - Date.now()) / 1000);
}

function tooSoon(context: Context, seconds: number): Response {
  const msg = `For security purposes, you can only request this after ${seconds} seconds.`;
  context.header("x-sb-error-code", "over_email_send_rate_limit");
  return context.json({ code: 429, error_code: "over_email_send_rate_limit", msg }, 429);
}
