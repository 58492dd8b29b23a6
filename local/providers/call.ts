/**
 * What surrounds every call to a simulated provider: which faults strike it, and its line in the
 * request log.
 * @module
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ActiveFault } from "./fault_board.ts";
import type { FaultKind } from "./faults.ts";
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
function bearerGrant(header: string | undefined): Grant | null {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? "")?.[1];
  return token === undefined ? null : openToken(token);
}

/** The form that was posted; empty when there is none. */
export async function postedForm(c: Context): Promise<URLSearchParams> {
  const isForm = c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded");
  return new URLSearchParams(isForm ? await c.req.text() : "");
}

/** Whatever proves something in a call: the bearer, or what a token endpoint is handed. */
export async function carriedToken(c: Context): Promise<string | null> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const form = await postedForm(c);
  return form.get("refresh_token") ?? form.get("token") ?? form.get("code");
}

const googleAccount = async (c: Context) => openToken(await carriedToken(c) ?? "")?.email ?? null;

/** What a token endpoint is asked for, so that the log tells refreshes from first exchanges. */
const purposeOf = async (c: Context) =>
  c.req.query("grant_type") ?? (await postedForm(c)).get("grant_type");

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
  accountOf: (c: Context) => string | null | Promise<string | null> = googleAccount,
) {
  return createMiddleware<CallEnv>(async (c, next) => {
    const began = performance.now();
    const url = new URL(c.req.url);
    const account = await accountOf(c);
    const purpose = await purposeOf(c);
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
      purpose,
      status: c.res.status,
      faults: [...faults.keys()],
      milliseconds: Math.round(performance.now() - began),
    }, url.searchParams);
  });
}
