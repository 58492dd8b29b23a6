/**
 * What surrounds every call to a simulated provider: which faults strike it, and its line in the
 * request log.
 * @module
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ActiveFault, FaultKind } from "./faults.ts";
import { type Grant, openToken } from "./google/sealed_token.ts";
import type { World } from "./world.ts";

/** What a provider's routes find in their context. */
export interface CallEnv {
  Variables: {
    /** The faults that strike this call. */
    faults: ReadonlyMap<FaultKind, ActiveFault>;
    /** The bearer token's grant, if it is one; whether it is still good is not said. */
    grant: Grant | null;
    /** Whom the call is about, as far as its tokens tell. */
    account: string | null;
    /** What a token endpoint was asked for: the grant type. */
    purpose: string | null;
  };
}

/** Who a token belongs to, good or not; null when it was not given out here. */
export type TokenOwner = (world: World, token: string) => string | null;

const googleOwner: TokenOwner = (_world, token) => openToken(token)?.email ?? null;

/** The owner of the token that a call carries: as a bearer, or in the form of a token endpoint. */
async function readCaller(
  c: Context<CallEnv>,
  world: World,
  ownerOf: TokenOwner,
): Promise<{ account: string | null; purpose: string | null }> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (bearer !== undefined) return { account: ownerOf(world, bearer), purpose: null };
  if (!c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded")) {
    return { account: null, purpose: null };
  }
  const form = new URLSearchParams(await c.req.text());
  const token = form.get("refresh_token") ?? form.get("token") ?? form.get("code");
  return {
    account: token === null ? null : ownerOf(world, token),
    purpose: form.get("grant_type"),
  };
}

/** The grant behind an Authorization header. */
export function bearerGrant(header: string | undefined): Grant | null {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? "")?.[1];
  return token === undefined ? null : openToken(token);
}

/** An answer that breaks off: half of the body arrives, then the connection is gone. */
function brokenOff(text: string): Response {
  const half = new TextEncoder().encode(text.slice(0, text.length / 2));
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new Error("simulated connection reset"));
      sent = true;
      controller.enqueue(half);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

async function damage(
  answer: Response,
  faults: ReadonlyMap<FaultKind, ActiveFault>,
): Promise<Response> {
  if (faults.has("html")) {
    const page = "<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title></html>";
    return new Response(page, { headers: { "content-type": "text/html; charset=UTF-8" } });
  }
  if (faults.has("connection_reset")) return brokenOff(await answer.text());
  if (faults.has("truncated_json")) {
    const text = await answer.text();
    const headers = { "content-type": "application/json; charset=UTF-8" };
    return new Response(text.slice(0, Math.floor(text.length / 2)), { headers });
  }
  return answer;
}

/** Strikes faults, delays, damages, logs. `ownerOf` knows the provider's tokens. */
export function simulatedCall(world: World, ownerOf: TokenOwner = googleOwner) {
  return createMiddleware<CallEnv>(async (c, next) => {
    const began = performance.now();
    const url = new URL(c.req.url);
    const grant = bearerGrant(c.req.header("authorization"));
    const { account, purpose } = await readCaller(c, world, ownerOf);
    const path = url.pathname;
    const faults = world.faults.strike({
      method: c.req.method,
      path,
      query: url.searchParams,
      account,
    });
    c.set("faults", faults);
    c.set("grant", grant);
    c.set("account", account);
    c.set("purpose", purpose);
    const delay = faults.get("slow")?.delay_ms ?? 0;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    await next();
    if (faults.size > 0) c.res = await damage(c.res, faults);
    world.requests.add({
      at: new Date(world.now()).toISOString(),
      method: c.req.method,
      path,
      account: c.var.account,
      purpose: c.var.purpose,
      status: c.res.status,
      faults: [...faults.keys()],
      milliseconds: Math.round(performance.now() - began),
    }, url.searchParams);
  });
}
