/**
 * Whether a call to a graph host is let in, and the refusals that faults ask for.
 * @module
 */
import { createHmac } from "node:crypto";
import type { Context } from "hono";
import { type CallEnv, postedForm } from "../call.ts";
import type { OAuthClient } from "../consents.ts";
import type { World } from "../world.ts";
import {
  GraphError,
  invalidParameter,
  permissionMissing,
  tokenExpired,
  tokenMissing,
  tokenRevoked,
} from "./graph_error.ts";
import { type MetaGrant, type MetaProvider, openMetaToken, requireToken } from "./token.ts";
import { appUsage, businessUsage } from "./usage.ts";

/** The token of a call: in the header, or in the query as in Meta's own examples. */
export function tokenOf(c: Context): string | null {
  const header = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return header ?? c.req.query("access_token") ?? null;
}

/** For whom a call is made, as far as its tokens tell, whatever these are worth. */
export function metaAccount(world: World) {
  return async (c: Context): Promise<string | null> => {
    const given = [tokenOf(c), c.req.query("input_token"), c.req.query("fb_exchange_token")];
    const owner = given.map((token) => openMetaToken(token ?? "")?.email).find(Boolean);
    const code = c.req.query("code") ?? (await postedForm(c)).get("code");
    return owner ?? world.consents.codeOwner(code ?? "");
  };
}

/** Throws unless the proof is the one that only the app's server can make of this token. */
export function checkProof(c: Context, app: OAuthClient, token: string): void {
  const given = c.req.query("appsecret_proof");
  if (given === undefined) {
    throw new GraphError(
      100,
      "API calls from the server require an appsecret_proof argument",
      { type: "GraphMethodException" },
    );
  }
  if (given !== createHmac("sha256", app.secret).update(token).digest("hex")) {
    throw new GraphError(100, "Invalid appsecret_proof provided in the API argument", {
      type: "GraphMethodException",
    });
  }
}

/** Throws what a struck call answers instead of data. `id` is whose limits it counts for. */
export function refuse(c: Context<CallEnv>, provider: MetaProvider, id: string): void {
  const { faults } = c.var;
  const business = provider === "instagram" ? "instagram" : "pages";
  const named = faults.get("graph_error");
  if (named) throw new GraphError(named.code, "(simulated)", { subcode: named.subcode });
  if (faults.has("expired_token")) throw tokenExpired();
  if (faults.has("revoked_token")) throw tokenRevoked();
  if (faults.has("missing_scope")) {
    throw permissionMissing(
      provider === "instagram" ? "instagram_business_basic" : "pages_read_engagement",
    );
  }
  const failing = faults.get("server_error");
  if (failing) {
    throw failing.status === 503
      ? new GraphError(2, "Service temporarily unavailable", { status: 503, is_transient: true })
      : new GraphError(1, "An unknown error has occurred.", { status: 500 });
  }
  const limited = faults.get("rate_limited");
  if (limited) {
    const [code, what] = provider === "instagram" ? [80002, "Instagram"] : [80001, "Page"];
    const minutes = Math.ceil((limited.retry_after ?? 0) / 60);
    throw new GraphError(code, `There have been too many calls to this ${what} account.`, {
      headers: businessUsage(business, id, 100, minutes),
    });
  }
  if (faults.has("user_rate_limited")) {
    throw provider === "instagram"
      ? new GraphError(17, "(#17) User request limit reached")
      : new GraphError(32, "(#32) Page request limit reached");
  }
  if (faults.has("quota_exceeded")) {
    throw new GraphError(4, "(#4) Application request limit reached", { headers: appUsage(100) });
  }
}

/** Who is calling a graph host with a user's or a page's token, which is good. */
export function admit(
  c: Context<CallEnv>,
  world: World,
  provider: MetaProvider,
): { grant: MetaGrant; app: OAuthClient } {
  const token = tokenOf(c);
  if (token === null) throw tokenMissing();
  const caller = requireToken(world, provider, token);
  if (provider === "facebook") checkProof(c, caller.app, token);
  return caller;
}

/** Throws unless the token carries the permission. */
export function requirePermission({ scope }: MetaGrant, permission: string): void {
  if (!scope.split(",").includes(permission)) throw permissionMissing(permission);
}

/** Counts a call against a business account's hour and says so in the answer's headers. */
export function meter(c: Context<CallEnv>, world: World, provider: MetaProvider, id: string): void {
  const type = provider === "instagram" ? "instagram" : "pages";
  const percent = world.metaUsage.count(id);
  if (percent >= 100) {
    throw new GraphError(
      provider === "instagram" ? 80002 : 80001,
      "There have been too many calls to this account.",
      { headers: businessUsage(type, id, percent, 42) },
    );
  }
  for (const [name, value] of Object.entries(businessUsage(type, id, percent, 0))) {
    c.header(name, value);
  }
}

/** A number in the query between bounds. */
export function askedNumber(c: Context, name: string, fallback: number, most: number): number {
  const text = c.req.query(name);
  if (text === undefined) return fallback;
  if (!/^\d{1,6}$/.test(text)) throw invalidParameter(`Param ${name} must be an integer`);
  return Math.min(Number(text), most);
}
