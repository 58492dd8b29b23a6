/** What a failed call to a provider means: by its own words where it has some, else by its status. */

import { redactText } from "../redact.ts";
import { ProviderError, type ProviderErrorClass, type ProviderFault } from "./provider_error.ts";

/** What a provider's error body means; the provider's file reads it. */
export type FaultReading = Partial<Omit<ProviderFault, "provider" | "httpStatus">>;

/** A failed response, as far as it could be read. */
export interface FailedResponse {
  status: number;
  headers: Headers;
  /** Parsed JSON, or undefined when the body is not JSON. */
  body: unknown;
}

/** `Retry-After` in milliseconds: seconds or an HTTP date. */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) || /^[-\d.]+$/.test(text) ? undefined : Math.max(0, date - now);
}

/** The class when a provider's body says nothing better. */
export function classOfStatus(status: number, retryAfterMs?: number): ProviderErrorClass {
  if (status === 429) return "retry_after";
  if (status === 408 || status >= 500) {
    return retryAfterMs === undefined ? "retry_transient" : "retry_after";
  }
  if (status === 401) return "reauth";
  if (status === 402) return "billing";
  if (status === 403) return "permission";
  if (status === 404 || status === 410) return "not_found";
  return "invalid_input";
}

/** A failed response in the normal form: what its body means, and the status for the rest. */
export function faultOf(
  provider: string,
  { status: httpStatus, headers }: FailedResponse,
  reading: FaultReading,
): ProviderFault {
  const retryAfterMs = reading.retryAfterMs ?? parseRetryAfter(headers.get("retry-after"));
  return {
    ...reading,
    provider,
    httpStatus,
    code: reading.code ?? String(httpStatus),
    reason: reading.reason ?? `http_${httpStatus}`,
    message: redactText(reading.message ?? `${provider} answered ${httpStatus}`),
    requestId: reading.requestId ?? headers.get("x-request-id") ?? undefined,
    retryAfterMs,
    class: reading.class ?? classOfStatus(httpStatus, retryAfterMs),
  };
}

/** No usable answer. Worth another try, unless the answer is simply too large. */
export function noAnswer(
  provider: string,
  httpStatus: number,
  reason: string,
  message = reason.replaceAll("_", " "),
  cause?: unknown,
): ProviderError {
  return new ProviderError({
    provider,
    httpStatus,
    code: reason,
    reason,
    message: `${provider}: ${message}`,
    class: reason === "response_too_large" ? "policy" : "retry_transient",
  }, { cause });
}
