/** One call to a provider: bounded in time and size, its failures in one normal form. */

import type * as z from "zod";
import { redactText } from "../log.ts";
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

/** A call to a provider. */
export interface ProviderRequest<T> {
  provider: string;
  url: string | URL;
  method?: "GET" | "POST" | "PUT" | "DELETE";
  headers?: Record<string, string>;
  body?: BodyInit;
  /** What a good answer looks like. */
  schema: z.ZodType<T>;
  /** Is told the headers of a good answer. */
  onHeaders?: (headers: Headers) => void;
  /** True for a failure that comes with the status of a success. */
  isFault?: (body: unknown) => boolean;
  /** Turns the provider's own error body into the normal form. */
  readFault: (response: FailedResponse) => FaultReading;
  signal?: AbortSignal;
  timeoutMs?: number;
  maxBytes?: number;
}

const TIMEOUT_MS = 15_000;
/** 50 videos with full descriptions stay below 1 MB. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Calls a provider and returns its validated answer, or throws a {@link ProviderError}. */
export async function callProvider<T>(request: ProviderRequest<T>): Promise<T> {
  const { provider, schema, readFault, isFault } = request;
  const { status, headers, text } = await exchange(request);
  const body = parseJson(text);
  if (status < 200 || status > 299 || isFault?.(body)) {
    const reading = readFault({ status, headers, body });
    throw new ProviderError(normalize(provider, status, headers, reading));
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) {
    request.onHeaders?.(headers);
    return parsed.data;
  }
  // HTML or half an answer comes from something in between, a strange one from a passing fault.
  const reason = body === undefined ? "invalid_json" : "unexpected_response";
  const fields = parsed.error.issues.slice(0, 5).map((issue) => issue.path.join("."));
  throw broken(provider, status, reason, `${reason} ${fields.join(", ")}`.trim());
}

async function exchange<T>(request: ProviderRequest<T>) {
  const { provider, signal } = request;
  const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  let status = 0;
  try {
    const response = await fetch(request.url, {
      method: request.method ?? "GET",
      headers: { accept: "application/json", ...request.headers },
      body: request.body,
      // A redirected call would carry the token to wherever the answer points.
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    status = response.status;
    const text = await readBounded(response, request.maxBytes ?? MAX_BYTES);
    return { status, headers: response.headers, text };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    const reason = cause instanceof RangeError
      ? "response_too_large"
      : timeout.aborted
      ? "timeout"
      : "network";
    throw broken(provider, status, reason, undefined, cause);
  }
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

function normalize(
  provider: string,
  httpStatus: number,
  headers: Headers,
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
function broken(
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

function parseJson(text: string): unknown {
  // Postgres stores neither NUL nor half a surrogate pair: a title with one must not fail a batch.
  const storable = (_key: string, value: unknown) =>
    typeof value === "string" ? value.replaceAll("\0", "").toWellFormed() : value;
  try {
    return JSON.parse(text, storable);
  } catch {
    return undefined;
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new RangeError(`response is larger than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
