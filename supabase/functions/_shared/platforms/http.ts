/** One call to a provider: bounded in time and size, its failures in one normal form. */

import type * as z from "zod";
import { type FailedResponse, faultOf, type FaultReading, noAnswer } from "./http_fault.ts";
import { ProviderError } from "./provider_error.ts";

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
    const response = { status, headers, body };
    throw new ProviderError(faultOf(provider, response, readFault(response)));
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) {
    request.onHeaders?.(headers);
    return parsed.data;
  }
  // HTML or half an answer comes from something in between, a strange one from a passing fault.
  const reason = body === undefined ? "invalid_json" : "unexpected_response";
  const fields = parsed.error.issues.slice(0, 5).map((issue) => issue.path.join("."));
  throw noAnswer(provider, status, reason, `${reason} ${fields.join(", ")}`.trim());
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
    throw noAnswer(provider, status, reason, undefined, cause);
  }
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
