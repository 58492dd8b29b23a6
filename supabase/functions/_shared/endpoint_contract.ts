/** What a function says about itself, and what its handler gets. */

import type * as z from "zod";
import type { User } from "./auth.ts";
import type { Db } from "./db.ts";
import type { Logger } from "./log.ts";

/**
 * Who may call: a signed-in `user`; our own `service` by the automation key; the `public`; a `webhook`
 * that its signature proves; a browser that a provider sends back (`provider_redirect`), which proves
 * nothing and so may change nothing.
 */
export type Caller = "user" | "service" | "public" | "webhook" | "provider_redirect";

/** What an endpoint declares. */
export interface EndpointOptions<C extends Caller, Q, B> {
  /** The function's name in the URL, the log and `private.rate_limit`. */
  name: string;
  caller: C;
  /** GET answers HEAD as well. */
  methods: readonly ("GET" | "POST" | "PUT" | "PATCH" | "DELETE")[];
  query?: z.ZodType<Q>;
  /** JSON. */
  body?: z.ZodType<B>;
  /** Configuration it cannot work without: a missing variable stops it at start. */
  needs?: readonly (() => unknown)[];
  /** Counted per user, or per address. On by default, except for our own service and webhooks. */
  rateLimit?: boolean;
  maxBodyBytes?: number;
  /** `Cache-Control` of a good answer; anything but `no-store` also gets an ETag. */
  cacheControl?: string;
  /** A webhook's proof: throws unless the raw body is signed. */
  verify?: (request: Request, rawBody: Uint8Array) => Promise<void>;
}

/** What a handler gets. */
export interface Context<C extends Caller, Q, B> {
  request: Request;
  requestId: string;
  query: Q;
  body: B;
  rawBody: Uint8Array;
  user: C extends "user" ? User : null;
  /** Acts as the caller: the user, anybody for the public, else the service. */
  db: Db;
  log: Logger;
  /** Fires when the answer would come too late to be useful. */
  signal: AbortSignal;
}

/** The `fetch` of a function, or of the part of one that `byMethod()` chooses by these methods. */
export interface Endpoint {
  (request: Request): Promise<Response>;
  readonly methods: readonly string[];
}
