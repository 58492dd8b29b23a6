import { Hono } from "hono";
import { type CallEnv, simulatedCall } from "../call.ts";
import type { OAuthClient } from "../google/consents.ts";
import type { World } from "../world.ts";
import { apiRoutes } from "./api.ts";
import { authorizeRoutes } from "./authorize.ts";
import { tiktokOwner } from "./state.ts";
import { tokenRoutes } from "./token.ts";

/** The TikTok app of the local stack. TikTok itself takes https addresses only. */
export function tiktokClient(apiUrl: string): OAuthClient {
  const callback = new URL("/functions/v1/oauth-tiktok-callback", apiUrl);
  const alias = new URL(callback);
  alias.hostname = callback.hostname === "localhost" ? "127.0.0.1" : "localhost";
  return {
    id: "local-tiktok-key",
    secret: "local-tiktok-secret",
    name: "StreamVibe",
    project: "streamvibe-local",
    redirect_uris: [callback.href, alias.href],
  };
}

/** Everything below `/tiktok`: the pages of www.tiktok.com and the API of open.tiktokapis.com. */
export function tiktokRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.use(simulatedCall(world, tiktokOwner));
  app.route("/v2/auth/authorize/", authorizeRoutes(world));
  app.route("/v2/oauth", tokenRoutes(world));
  app.route("/v2", apiRoutes(world));
  return app;
}
