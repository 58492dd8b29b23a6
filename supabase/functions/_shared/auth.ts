/**
 * Who is calling. The gateway's `verify_jwt` is no answer: a publishable key passes it. User tokens are
 * verified against `SUPABASE_JWKS`, whatever kind of key the project signs with; a token that none of
 * those keys could have signed (a key rotated in since, an un-migrated project) goes to the auth server.
 */

import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import * as z from "zod";
import { sha256 } from "./digest.ts";
import { automationEnv, platformEnv } from "./env.ts";
import { AppError } from "./errors.ts";

/** The signed-in user. */
export interface User {
  id: string;
  /** To act as the user at the data API. */
  token: string;
}

/** What verifying a user's token needs to know. */
export type AuthPlatform = Pick<
  ReturnType<typeof platformEnv>,
  "supabaseUrl" | "publishableKey" | "jwks"
>;

const ALGORITHM_OF_KEY: Record<string, string> = { oct: "HS256", EC: "ES256", RSA: "RS256" };
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
const Claims = z.object({ sub: z.guid(), role: z.literal("authenticated") });
const AuthServerUser = z.object({ id: z.guid(), aud: z.literal("authenticated") });
const AUTH_SERVER_TIMEOUT_MS = 5_000;

/** The user whose token the request carries, or `UNAUTHENTICATED`. */
export async function authenticateUser(
  request: Request,
  platform: AuthPlatform = platformEnv(),
): Promise<User> {
  const header = request.headers.get("authorization") ?? "";
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  // An API key names the application, not a user.
  if (!token || token.startsWith("sb_")) throw new AppError("UNAUTHENTICATED");
  const keys = keysFor(token, platform.jwks);
  const id = keys.length > 0
    ? await verifyLocally(token, keys)
    : await askAuthServer(token, platform);
  return { id, token };
}

/** Lets our own schedules and doorbells in: the automation key in the header `apikey`. */
export async function authenticateService(
  request: Request,
  { keys } = automationEnv(),
): Promise<void> {
  const offered = await sha256(request.headers.get("apikey") ?? "");
  let known = false;
  for (const key of keys) {
    const expected = await sha256(key);
    // Digests have one length and every byte is looked at: the time tells nothing about the key.
    let difference = 0;
    for (const [index, byte] of expected.entries()) difference |= byte ^ offered[index]!;
    known = difference === 0 || known;
  }
  if (!known) throw new AppError("UNAUTHENTICATED");
}

/** The keys that may have signed a token: of the right kind, and with its key id where both have one. */
function keysFor(token: string, jwks: unknown): JWK[] {
  let header: { alg?: string; kid?: string };
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new AppError("UNAUTHENTICATED", { cause });
  }
  return keysOf(jwks).filter(({ kty, kid }) =>
    ALGORITHM_OF_KEY[kty ?? ""] === header.alg && (!kid || !header.kid || kid === header.kid)
  );
}

const read = new WeakMap<object, JWK[]>();

/** The keys of a set, read once: a key is imported once, too, as long as it stays the same object. */
function keysOf(jwks: unknown): JWK[] {
  if (typeof jwks !== "object" || jwks === null) return [];
  let keys = read.get(jwks);
  if (!keys) {
    const parsed = KeySet.safeParse(jwks);
    keys = parsed.success ? parsed.data.keys as JWK[] : [];
    read.set(jwks, keys);
  }
  return keys;
}

async function verifyLocally(token: string, keys: JWK[]): Promise<string> {
  let cause: unknown;
  for (const jwk of keys) {
    // The algorithm follows from the key, never from the token alone.
    const algorithm = ALGORITHM_OF_KEY[jwk.kty ?? ""]!;
    try {
      const { payload } = await jwtVerify(token, await importKey(jwk, algorithm), {
        algorithms: [algorithm],
        audience: "authenticated",
        requiredClaims: ["exp"],
        clockTolerance: 5,
      });
      return Claims.parse(payload).sub;
    } catch (error) {
      cause = error;
    }
  }
  throw new AppError("UNAUTHENTICATED", { cause });
}

const imported = new WeakMap<JWK, ReturnType<typeof importJWK>>();

function importKey(jwk: JWK, algorithm: string) {
  const key = imported.get(jwk) ?? importJWK(jwk, algorithm);
  imported.set(jwk, key);
  return key;
}

async function askAuthServer(
  token: string,
  { supabaseUrl, publishableKey }: AuthPlatform,
): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${supabaseUrl}/auth/v1/user`, {
      headers: { apikey: publishableKey, authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(AUTH_SERVER_TIMEOUT_MS),
    });
  } catch (cause) {
    throw new AppError("SERVICE_UNAVAILABLE", { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status >= 500) throw new AppError("SERVICE_UNAVAILABLE");
  const user = AuthServerUser.safeParse(body);
  if (!response.ok || !user.success) throw new AppError("UNAUTHENTICATED");
  return user.data.id;
}
