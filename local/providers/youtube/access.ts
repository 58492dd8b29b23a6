/**
 * Whether a call to the YouTube Data API is let in, and the refusals that faults ask for.
 * @module
 */
import type { Context } from "hono";
import type { CallEnv } from "../call.ts";
import { isAlive } from "../google/sealed_token.ts";
import type { World } from "../world.ts";
import { missingScope, notAuthorized, quotaExceeded, YouTubeError } from "./errors.ts";

const reading = ["youtube", "youtube.readonly", "youtube.force-ssl"]
  .map((name) => `https://www.googleapis.com/auth/${name}`);

/** Who is calling: the person, and the project that pays. */
export function authorize(c: Context<CallEnv>, world: World): { email: string; project: string } {
  const { faults, grant } = c.var;
  if (!c.req.header("authorization")) throw notAuthorized("required");
  if (faults.has("expired_token") || faults.has("revoked_token")) throw notAuthorized("authError");
  const project = grant && world.clients.get(grant.client_id)?.project;
  if (!grant || !project || grant.kind !== "access" || !isAlive(world, grant)) {
    throw notAuthorized("authError");
  }
  const allowed = grant.scope.split(" ").some((scope) => reading.includes(scope));
  if (!allowed || faults.has("missing_scope")) throw missingScope();
  return { email: grant.email, project };
}

/** Throws what a struck call answers instead of data. */
export function refuse(c: Context<CallEnv>): void {
  const { faults } = c.var;
  const failing = faults.get("server_error");
  if (failing) {
    throw failing.status === 503
      ? new YouTubeError(503, "backendError", "The service is currently unavailable.", {
        status: "UNAVAILABLE",
      })
      : new YouTubeError(500, "internalError", "Internal error encountered.", {
        status: "INTERNAL",
      });
  }
  const limited = faults.get("rate_limited");
  if (limited) {
    const after = limited.retry_after;
    throw new YouTubeError(429, "rateLimitExceeded", "Resource has been exhausted.", {
      domain: "usageLimits",
      status: "RESOURCE_EXHAUSTED",
      headers: after === undefined ? {} : { "retry-after": String(after) },
    });
  }
  if (faults.has("user_rate_limited")) {
    throw new YouTubeError(403, "userRateLimitExceeded", "User Rate Limit Exceeded", {
      domain: "usageLimits",
    });
  }
  if (faults.has("quota_exceeded")) throw quotaExceeded();
}
