import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { limits } from "./limits.ts";

/** Roles that a token may name. */
export const ROLES = ["anon", "authenticated", "service_role"] as const;

/** What a verified token says about its bearer. */
export interface Claims extends Record<string, unknown> {
  role: typeof ROLES[number];
  /** Seconds since 1970. */
  exp: number;
}

/** Why a token is refused: `code` for channel replies, `message` for everyone. */
export class TokenError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

/** Where the keys come from. */
export interface TokenOptions {
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
  /** Address of the Auth server's key set. */
  jwksUrl: string;
}

/** Checks access tokens and project keys. */
export class Tokens {
  readonly #options: TokenOptions;
  readonly #secret: Uint8Array;
  readonly #keySet: ReturnType<typeof createRemoteJWKSet>;

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#secret = new TextEncoder().encode(options.jwtSecret);
    this.#keySet = createRemoteJWKSet(new URL(options.jwksUrl));
  }

  /** Claims of a token or project key; throws a {@link TokenError}. */
  async verify(token: string): Promise<Claims> {
    if (token === this.#options.publishableKey) return keyClaims("anon");
    if (token === this.#options.secretKey) return keyClaims("service_role");
    const payload = await this.#verifyJwt(token);
    const role = ROLES.find((name) => name === payload.role);
    if (payload.role === undefined || payload.exp === undefined) {
      throw new TokenError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT");
    }
    if (role === undefined) {
      throw new TokenError("Unauthorized", `The role ${String(payload.role)} may not be used here`);
    }
    return { ...payload, role, exp: payload.exp };
  }

  async #verifyJwt(token: string) {
    try {
      const { alg = "" } = decodeProtectedHeader(token);
      const { payload } = alg.startsWith("HS")
        ? await jwtVerify(token, this.#secret)
        : await jwtVerify(token, this.#keySet);
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw expired(error.payload.exp);
      if (error instanceof errors.JWSSignatureVerificationFailed) {
        throw new TokenError("JwtSignatureError", "Failed to validate JWT signature");
      }
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSTimeout) {
        throw new TokenError(
          "JwtSignerError",
          "Failed to generate JWT signer, check your JWT secret or JWKS configuration",
        );
      }
      throw new TokenError("MalformedJWT", "The token provided is not a valid JWT");
    }
  }
}

/** The refusal of a token that ended at `exp`. */
export function expired(exp = 0): TokenError {
  const seconds = Math.max(0, Math.floor(Date.now() / 1000) - exp);
  return new TokenError("InvalidJWTToken", `Token has expired ${seconds} seconds ago`);
}

// A project key stands for a token of its role; the platform's gateway swaps the two.
function keyClaims(role: "anon" | "service_role"): Claims {
  return { role, exp: Math.floor(Date.now() / 1000) + limits.keyTokenSeconds };
}
