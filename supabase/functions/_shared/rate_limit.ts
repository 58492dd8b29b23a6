import { serviceDb } from "./db.ts";
import { clientIpEnv } from "./env.ts";
import { AppError } from "./errors.ts";

/** What a rate limit is counted for. */
export interface RateLimitKey {
  functionName: string;
  caller: "user" | "ip";
  key: string;
}

/** The state of a rate limit after counting a request. */
export interface RateLimit {
  allowed: boolean;
  max_requests: number;
  remaining: number;
  reset_at: string;
}

/** Counts one request. Limits are rows of `private.rate_limit`. */
export async function consumeRateLimit(limit: RateLimitKey): Promise<RateLimit> {
  const { data } = await serviceDb().rpc("consume_rate_limit", {
    p_function_name: limit.functionName,
    p_caller: limit.caller,
    p_key: limit.key,
  }).throwOnError();
  const state = data[0];
  if (!state) throw new Error("consume_rate_limit() returned no row");
  return state;
}

/**
 * The caller's address, from the one header that the platform overwrites. `x-forwarded-for` is whatever
 * the client sends. Without the header all callers share one limit, which errs on the safe side.
 */
export function clientIp(request: Request, { header } = clientIpEnv()): string {
  return request.headers.get(header)?.trim() || "unknown";
}

/** `RateLimit-*` headers; times in seconds. */
export function rateLimitHeaders(limit: RateLimit, now = Date.now()): Record<string, string> {
  return {
    "ratelimit-limit": String(limit.max_requests),
    "ratelimit-remaining": String(limit.remaining),
    "ratelimit-reset": String(secondsUntil(limit.reset_at, now)),
  };
}

/** Throws `RATE_LIMITED` when the limit is used up. */
export function assertAllowed(limit: RateLimit, now = Date.now()): void {
  if (limit.allowed) return;
  throw new AppError("RATE_LIMITED", {
    retryAfter: Math.max(1, secondsUntil(limit.reset_at, now)),
  });
}

function secondsUntil(time: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(time) - now) / 1000));
}
