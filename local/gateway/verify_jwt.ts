import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { tokenReader } from "./shared_secret.ts";
import { platformError } from "./worker_errors.ts";

/** What tokens are checked against. */
export interface TokenKeys {
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly jwtSecret: string;
  /** Where the auth server publishes its keys. */
  readonly jwksUrl: string;
}

/** Checks a request before its function sees it; null lets it pass. */
export type VerifyJwt = (request: Request) => Promise<Response | null>;

/**
 * The platform's `verify_jwt`: preflights pass, then some valid token must come along. An API key
 * counts as one, so this says nothing about who calls: functions check that themselves.
 */
export function jwtVerifier(keys: TokenKeys): VerifyJwt {
  const sharedKey = new TextEncoder().encode(keys.jwtSecret);
  const read = tokenReader(keys.jwtSecret);
  const publishedKeys = createRemoteJWKSet(new URL(keys.jwksUrl));

  const checkToken = async (token: string): Promise<Response | null> => {
    if (read(token)) return null;
    const alg = algorithmOf(token);
    if (alg === null) return refuse("INVALID_JWT_FORMAT", "Invalid JWT format");
    if (alg === "HS256") {
      const isValid = await jwtVerify(token, sharedKey).then(() => true, () => false);
      return isValid ? null : refuse("LEGACY_JWT", "Invalid JWT");
    }
    if (alg === "ES256" || alg === "RS256") {
      const isValid = await jwtVerify(token, publishedKeys).then(() => true, () => false);
      return isValid ? null : refuse("ASYMMETRIC_JWT", "Invalid JWT");
    }
    return refuse("UNSUPPORTED_TOKEN_ALGORITHM", `Unsupported JWT algorithm ${alg}`);
  };

  return async (request) => {
    if (request.method === "OPTIONS") return null;
    const authorization = request.headers.get("authorization");
    if (authorization && !authorization.startsWith("Bearer sb_")) {
      const [scheme, token] = authorization.split(" ");
      return scheme === "Bearer" && token
        ? await checkToken(token)
        : refuse("INVALID_JWT_FORMAT", "Auth header is not 'Bearer {token}'");
    }
    // The hosted gateway turns a known key into a token of its role, which is then valid.
    const apiKey = request.headers.get("apikey");
    if (apiKey === keys.publishableKey || apiKey === keys.secretKey) return null;
    if (!apiKey) return refuse("NO_AUTH_HEADER", "Missing authorization header");
    return await checkToken(apiKey);
  };
}

function refuse(code: string, message: string): Response {
  const fullCode = `UNAUTHORIZED_${code}`;
  return platformError(401, fullCode, message, {
    body: { msg: message },
    headers: { "sb-error-code": fullCode },
  });
}

function algorithmOf(token: string): string | null {
  try {
    return decodeProtectedHeader(token).alg ?? null;
  } catch {
    return null;
  }
}
