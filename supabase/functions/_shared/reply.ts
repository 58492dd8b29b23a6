/** Every answer's shape: the envelope, the headers all answers share, revalidation and HEAD. */

import { encodeBase64Url } from "./digest.ts";
import type { AppError } from "./errors.ts";

const SHARED = {
  // Callers identify themselves by a header, never by a cookie: any origin may ask.
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "x-request-id, etag, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
/** What supabase-js sends, by itself or when it is asked to trace or for a region, and what we read. */
const ALLOWED_HEADERS = "authorization, x-client-info, apikey, content-type, x-retry-count, " +
  "x-region, traceparent, tracestate, baggage, x-request-id, if-none-match";

/** 200 `{ success: true, … }`. */
export function ok(data: Record<string, unknown>): Response {
  return Response.json({ success: true, ...data });
}

/** 202 `{ success: true, … }`: the work is a row now. */
export function accepted(data: Record<string, unknown>): Response {
  return Response.json({ success: true, ...data }, { status: 202 });
}

/** 303: go there with GET. */
export function seeOther(url: string | URL): Response {
  return new Response(null, { status: 303, headers: { location: String(url) } });
}

/** `{ success: false, error: { code, message, details? } }`. */
export function failure(error: AppError): Response {
  const { code, message, details, status, retryAfter } = error;
  return Response.json({ success: false, error: { code, message, details } }, {
    status,
    headers: waitHeaders(retryAfter, details),
  });
}

/** When to come back; and, where a limit that the database keeps was reached, which one. */
function waitHeaders(retryAfter: number | undefined, details: unknown): Record<string, string> {
  if (retryAfter === undefined) return {};
  const seconds = String(Math.ceil(retryAfter));
  const limit = typeof details === "object" && details !== null && "limit" in details
    ? details.limit
    : undefined;
  return {
    "retry-after": seconds,
    ...(typeof limit === "number" && {
      "ratelimit-limit": String(limit),
      "ratelimit-remaining": "0",
      "ratelimit-reset": seconds,
    }),
  };
}

/** The answer to a CORS preflight. */
export function preflight(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...SHARED,
      "access-control-allow-methods": [...methods, "OPTIONS"].join(", "),
      "access-control-allow-headers": ALLOWED_HEADERS,
      "access-control-max-age": "86400",
    },
  });
}

/** How an answer leaves. */
export interface Finish {
  request: Request;
  requestId: string;
  /** For a good answer; failures are never stored. */
  cacheControl: string;
  headers: Record<string, string>;
}

/** Adds the shared headers, answers a revalidation with 304, and drops the body for HEAD. */
export async function finish(response: Response, to: Finish): Promise<Response> {
  const headers = new Headers(response.headers);
  const shared = { ...SHARED, "x-request-id": to.requestId };
  for (const [name, value] of Object.entries(shared)) headers.set(name, value);
  for (const [name, value] of Object.entries(to.headers)) {
    // A limit that was reached stands for itself; the one of the function was not.
    if (!headers.has(name)) headers.set(name, value);
  }
  if (!headers.has("cache-control")) {
    headers.set("cache-control", response.ok ? to.cacheControl : "no-store");
  }
  let { status } = response;
  let body: BodyInit | null = response.body;
  if (status === 200 && to.request.method !== "POST" && to.cacheControl !== "no-store") {
    body = await response.arrayBuffer();
    const etag = await entityTag(body);
    headers.set("etag", etag);
    if (to.cacheControl.startsWith("private")) headers.set("vary", "authorization");
    if (namesTag(to.request.headers.get("if-none-match"), etag)) status = 304;
  }
  if (status === 304) headers.delete("content-type");
  if (status === 304 || to.request.method === "HEAD") body = null;
  return new Response(body, { status, headers });
}

async function entityTag(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  // Weak: compression on the way changes the bytes, not the meaning.
  return `W/"${encodeBase64Url(digest.slice(0, 15))}"`;
}

function namesTag(ifNoneMatch: string | null, etag: string): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}
