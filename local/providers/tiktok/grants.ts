/**
 * What people have allowed apps at TikTok. A refresh token is good once: the answer brings the next
 * one. One that comes a second time has been copied, and ends the grant.
 * @module
 */
import { z } from "zod";
import { seal, unseal } from "../sealing.ts";
import { scribble } from "../seeded.ts";

/** What an authorization code was given for. */
export interface PendingCode {
  readonly client_key: string;
  readonly redirect_uri: string;
  readonly email: string;
  readonly scopes: readonly string[];
  readonly expires_at: number;
}

/** One consent and the chain of refresh tokens that follows from it. */
export interface TikTokGrant {
  readonly id: string;
  readonly client_key: string;
  readonly email: string;
  readonly scopes: readonly string[];
  /** The number of the only refresh token that is good; earlier ones are used up. */
  turn: number;
  readonly refresh_expires_at: number;
  /** Why it is over, if it is. */
  ended: "revoked" | "refresh token used twice" | null;
}

const tokenSchema = z.strictObject({
  kind: z.enum(["act", "rft"]),
  grant: z.string(),
  email: z.string(),
  turn: z.number(),
  expires_at: z.number(),
});

/** What a token stands for. */
export type TikTokToken = z.output<typeof tokenSchema>;

/** Turns it into text that looks like one of TikTok's tokens. */
export function writeToken(token: TikTokToken): string {
  return `${token.kind}.${seal(token)}!4821.va`;
}

/** What a token stands for, or null when it was not given out here. */
export function readToken(text: string): TikTokToken | null {
  const sealed = /^(?:act|rft)\.([\w-]+)!4821\.va$/.exec(text)?.[1];
  const token = tokenSchema.safeParse(sealed === undefined ? undefined : unseal(sealed));
  return token.success ? token.data : null;
}

/** Every grant, and the codes on their way to an app. */
export class GrantBook {
  #grants = new Map<string, TikTokGrant>();
  #codes = new Map<string, PendingCode>();

  /** Keeps what was consented to until its code is exchanged, and returns the code. */
  keepCode(pending: PendingCode, now: number): string {
    for (const [old, { expires_at }] of this.#codes) if (expires_at < now) this.#codes.delete(old);
    // With the characters that have to be decoded on the way back.
    const code = `${scribble(60, crypto.randomUUID())}*3!4821.va`;
    this.#codes.set(code, pending);
    return code;
  }

  /** What a code was given for; looking uses nothing up. */
  pending(code: string): PendingCode | null {
    return this.#codes.get(code) ?? null;
  }

  /** Uses a code up; null when there is none, or no longer. */
  takeCode(code: string, now: number): PendingCode | null {
    const pending = this.#codes.get(code);
    this.#codes.delete(code);
    return pending && pending.expires_at >= now ? pending : null;
  }

  /** Begins a grant. */
  begin(pending: PendingCode, scopes: readonly string[], refreshExpiresAt: number): TikTokGrant {
    const { client_key, email } = pending;
    const grant: TikTokGrant = {
      id: crypto.randomUUID(),
      client_key,
      email,
      scopes,
      turn: 0,
      refresh_expires_at: refreshExpiresAt,
      ended: null,
    };
    this.#grants.set(grant.id, grant);
    return grant;
  }

  /** The grant that a token belongs to, over or not. */
  grantOf(token: TikTokToken): TikTokGrant | null {
    return this.#grants.get(token.grant) ?? null;
  }

  /** Ends all that a person has allowed an app. */
  revoke(clientKey: string, email: string): void {
    for (const grant of this.#grants.values()) {
      if (grant.client_key === clientKey && grant.email === email) grant.ended ??= "revoked";
    }
  }

  /** The grants of a person. */
  grants(email: string): TikTokGrant[] {
    return [...this.#grants.values()].filter((grant) => grant.email === email);
  }

  /** What must be kept over a restart. */
  record(): TikTokGrant[] {
    return [...this.#grants.values()];
  }

  /** Puts back what was kept. */
  restore(grants: readonly TikTokGrant[]): void {
    this.#grants = new Map(grants.map((grant) => [grant.id, grant]));
  }
}
