import { Hono } from "hono";
import { type CallEnv, simulatedCall } from "../call.ts";
import type { World } from "../world.ts";
import { apiRoutes } from "./api.ts";
import { authorizeRoutes } from "./authorize.ts";
import { tiktokAccount } from "./state.ts";
import { tokenRoutes } from "./token.ts";

/** Everything below `/tiktok`: the pages of www.tiktok.com and the API of open.tiktokapis.com. */
export function tiktokRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.use(simulatedCall(world, (c) => tiktokAccount(c, world)));
  app.route("/v2/auth/authorize/", authorizeRoutes(world));
  app.route("/v2/oauth", tokenRoutes(world));
  app.route("/v2", apiRoutes(world));
  return app;
}
