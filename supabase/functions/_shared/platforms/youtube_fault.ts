import * as z from "zod";
import {
  classOfStatus,
  type FailedResponse,
  type FaultReading,
  parseRetryAfter,
} from "./http_fault.ts";
import type { ProviderErrorClass } from "./provider_error.ts";

const ErrorBody = z.object({
  error: z.object({
    message: z.string().optional(),
    status: z.string().optional(),
    errors: z.array(z.object({
      reason: z.string().optional(),
      message: z.string().optional(),
    })).optional(),
  }),
});

const CLASS_OF_REASON: Record<string, ProviderErrorClass> = {
  quotaExceeded: "quota_daily",
  dailyLimitExceeded: "quota_daily",
  // Hardly ever with a time: then ours.
  rateLimitExceeded: "retry_after",
  userRateLimitExceeded: "retry_after",
  uploadLimitExceeded: "retry_after",
  authError: "reauth",
  expired: "reauth",
  required: "reauth",
  forbidden: "permission",
  insufficientPermissions: "permission",
  accountDelegationForbidden: "permission",
  authenticatedUserAccountClosed: "permission",
  authenticatedUserAccountSuspended: "permission",
  youtubeSignupRequired: "permission",
  backendError: "retry_transient",
  internalError: "retry_transient",
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Reads a YouTube error: the reason decides, the status only where there is none. */
export function readYouTubeFault({ status, headers, body }: FailedResponse): FaultReading {
  const parsed = ErrorBody.safeParse(body);
  const error = parsed.success ? parsed.data.error : undefined;
  const first = error?.errors?.[0];
  const reason = first?.reason;
  const message = error?.message ?? first?.message;
  let retryAfterMs = parseRetryAfter(headers.get("retry-after"));
  let kind = CLASS_OF_REASON[reason ?? ""] ?? classOfStatus(status, retryAfterMs);

  // A 429 whose metric is counted per day is an empty bucket, not a call to slow down.
  if (reason === "rateLimitExceeded" && /\bper day\b/i.test(message ?? "")) kind = "quota_daily";
  if (kind === "quota_daily") retryAfterMs = untilPacificMidnight();
  if (reason === "uploadLimitExceeded") retryAfterMs ??= DAY_MS;
  if (kind === "retry_transient" && retryAfterMs !== undefined) kind = "retry_after";
  return { code: error?.status ?? String(status), reason, message, retryAfterMs, class: kind };
}

/** Milliseconds to the next midnight in Los Angeles, when YouTube's daily counters start again. */
export function untilPacificMidnight(now = new Date()): number {
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: "America/Los_Angeles",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(now);
  const [hours, minutes, seconds] = clock.split(":").map(Number);
  // On the two days a year when the clock changes this is an hour off, which costs one more try.
  return DAY_MS - ((hours! * 60 + minutes!) * 60 + seconds!) * 1000;
}
