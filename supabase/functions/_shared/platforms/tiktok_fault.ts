import * as z from "zod";
import {
  classOfStatus,
  type FailedResponse,
  type FaultReading,
  parseRetryAfter,
} from "./http_fault.ts";
import type { ProviderErrorClass } from "./provider_error.ts";

/** The token endpoint is flat, as OAuth has it; the API puts an `error` into every answer, also a good one. */
const Flat = z.object({
  error: z.string().min(1),
  error_description: z.string().optional(),
  log_id: z.string().optional(),
});
const Nested = z.object({
  error: z.object({
    code: z.string(),
    message: z.string().optional(),
    log_id: z.string().optional(),
  }),
});

/** A missing scope comes with 401: by the status it would look like a dead token. */
const CLASS_OF_CODE: Record<string, ProviderErrorClass> = {
  access_token_invalid: "reauth",
  invalid_grant: "reauth",
  access_denied: "permission",
  invalid_client: "permission",
  unauthorized_client: "permission",
  scope_not_authorized: "permission",
  scope_permission_missed: "permission",
  invalid_params: "invalid_input",
  invalid_request: "invalid_input",
  invalid_scope: "invalid_input",
  rate_limit_exceeded: "retry_after",
  internal_error: "retry_transient",
};

/** Calls are counted over a sliding minute. */
const WINDOW_MS = 60_000;

/** True for a refusal, whatever its status: `invalid_grant` has been seen with 200. */
export function isTikTokFault(body: unknown): boolean {
  const nested = Nested.safeParse(body);
  return nested.success ? nested.data.error.code !== "ok" : Flat.safeParse(body).success;
}

/** Reads a TikTok error of either shape: the code decides, the status only where there is none. */
export function readTikTokFault({ status, headers, body }: FailedResponse): FaultReading {
  const { code, message, log_id } = readError(body);
  let retryAfterMs = parseRetryAfter(headers.get("retry-after"));
  if (code === "rate_limit_exceeded") retryAfterMs ??= WINDOW_MS;
  return {
    ...(code && { code, reason: code }),
    message: message || code,
    requestId: log_id,
    retryAfterMs,
    class: CLASS_OF_CODE[code ?? ""] ?? classOfStatus(status, retryAfterMs),
  };
}

function readError(body: unknown): { code?: string; message?: string; log_id?: string } {
  const nested = Nested.safeParse(body);
  if (nested.success) return nested.data.error;
  const flat = Flat.safeParse(body);
  if (!flat.success) return {};
  const { error, error_description, log_id } = flat.data;
  return { code: error, message: error_description, log_id };
}
