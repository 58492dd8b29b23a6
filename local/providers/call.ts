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
    /** The bearer token's grant, if it is one of Google's; whether it is still good is not said. */
    grant: Grant | null;
  };
}

/** The grant behind an Authorization header. */
export function bearerGrant(header: string | undefined): Grant | null {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? "")?.[1];
  return token === undefined ? null : openToken(token);
}

const googleAccount = (c: Context) => bearerGrant(c.req.header("authorization"))?.email ?? null;

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

/** Strikes faults, delays, damages, logs. `accountOf` says for whom a call is made. */
export function simulatedCall(
  world: World,
  accountOf: (c: Context) => string | null = googleAccount,
) {
  return createMiddleware<CallEnv>(async (c, next) => {
    const began = performance.now();
    const url = new URL(c.req.url);
    const account = accountOf(c);
    const path = url.pathname;
    const faults = world.faults.strike({
      method: c.req.method,
      path,
      query: url.searchParams,
      account,
    });
    c.set("faults", faults);
    c.set("grant", bearerGrant(c.req.header("authorization")));
    const delay = faults.get("slow")?.delay_ms ?? 0;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    await next();
    if (faults.size > 0) c.res = await damage(c.res, faults);
    world.requests.add({
      at: new Date(world.now()).toISOString(),
      method: c.req.method,
      path,
      account,
      status: c.res.status,
      faults: [...faults.keys()],
      milliseconds: Math.round(performance.now() - began),
    }, url.searchParams);
  });
}
