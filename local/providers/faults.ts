/**
 * What a provider does on a bad day, on request. A fault names its kind, which calls it strikes (by
 * path and method), how many it lets pass first, and how many it strikes.
 * @module
 */
import { z } from "zod";

/** Every kind of bad day the simulator can act out. */
export const faultKinds = [
  // As Google says it; Meta says the same with the codes in meta/access.ts.
  "expired_token", // API: 401 authError, as if the bearer token had run out
  "revoked_token", // token endpoint: 400 invalid_grant; API: 401 authError
  "missing_scope", // token endpoint: grants no YouTube scope; API: 403 insufficientPermissions
  "rate_limited", // 429 rateLimitExceeded, with Retry-After when retry_after is given
  "user_rate_limited", // 403 userRateLimitExceeded
  "quota_exceeded", // 403 quotaExceeded, whatever the counters say
  "server_error", // 500 internalError or, with status 503, backendError
  "slow", // answers after delay_ms
  "connection_reset", // breaks the connection in the middle of the answer
  "truncated_json", // 200 with the first half of the answer
  "html", // 200 with a page where JSON was promised
  "graph_error", // Meta: an error with this `code` and `subcode`
  "duplicate_item", // lists, later pages: begins with the last item of the page before
  "deleted_item", // YouTube's videos: the first `items` ids asked for are gone; lists: left out
  "cursor_expired", // lists, later pages: the cursor is no good
  "empty_page", // lists: no items, but a cursor that leads on
  "missing_fields", // YouTube's videos, lists: every optional field is absent
  "other_shape", // Instagram's token endpoint: flat, permissions as a list, the user id a number
  "stuck_cursor", // TikTok video/list: there is more, at the cursor that was just read
  "invalid_grant_200", // TikTok token endpoint: a refusal that says 200
] as const;

/** The kind of a fault. */
export type FaultKind = typeof faultKinds[number];

/** What `/_admin/faults` takes for one fault. */
export const faultSchema = z.strictObject({
  /** Names the fault so that it can be removed; made up when absent. */
  id: z.string().min(1).optional(),
  kind: z.enum(faultKinds),
  /** Path prefix such as `/youtube/v3/videos`, or with `*` for any run of characters. */
  path: z.string().startsWith("/").default("/"),
  method: z.enum(["GET", "POST", "DELETE"]).optional(),
  /** Only calls made for this account, as far as the tokens in the call tell. */
  account: z.string().optional(),
  /** How many matching calls it strikes; null is all of them. */
  count: z.number().int().positive().nullable().default(1),
  /** How many matching calls pass unharmed before it strikes. */
  skip: z.number().int().nonnegative().default(0),
  status: z.union([z.literal(500), z.literal(503)]).default(500),
  /** Seconds; absent means that no Retry-After header is sent. */
  retry_after: z.number().int().nonnegative().optional(),
  /** Of a graph_error. */
  code: z.number().int().default(1),
  subcode: z.number().int().optional(),
  delay_ms: z.number().int().nonnegative().max(300_000).default(1_000),
  /** How many items a data fault touches. */
  items: z.number().int().positive().default(1),
});

/** A fault with its defaults filled in. */
export type Fault = z.output<typeof faultSchema>;
