import type { MiddlewareHandler } from "hono";
import { tokenReader } from "../gateway/shared_secret.ts";

/**
 * Spares the data API two verifications of a user's token and a look for the user, of which lite
 * makes no use there. What is in any doubt is left to lite, and so is the API key, which it asks for
 * in any case. Auth keeps its own way, since it looks for the session as well.
 */
export function knownTokens(jwtSecret: string): MiddlewareHandler {
  const read = tokenReader(jwtSecret);
  return async (context, next) => {
    const token = /^Bearer (\S+)$/.exec(context.req.header("authorization") ?? "")?.[1];
    const claims = token && context.req.path.startsWith("/rest/v1/") ? read(token) : null;
    if (claims) {
      // As lite notes down who an API key stands for.
      context.set("ignoreAuthorization", true);
      context.set("jwt", claims);
      context.set("userId", claims.sub);
      context.set("sessionId", claims.session_id);
    }
    await next();
  };
}
