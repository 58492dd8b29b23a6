/**
 * The simulator as a whole: `/google`, `/youtube/v3`, `/instagram`, `/facebook`, `/tiktok`, `/_admin`.
 * @module
 */
import { Hono } from "hono";
import { localApps } from "../functions.env.ts";
import { adminRoutes } from "./admin.ts";
import { type CallEnv, simulatedCall } from "./call.ts";
import { authorizeRoutes } from "./google/authorize.ts";
import { facebookRoutes } from "./facebook/api.ts";
import type { OAuthClient, Provider } from "./consents.ts";
import { tokenRoutes } from "./google/token.ts";
import { instagramRoutes } from "./instagram/api.ts";
import { tiktokRoutes } from "./tiktok/routes.ts";
import type { World } from "./world.ts";
import { youtubeRoutes } from "./youtube/api.ts";

/** Where a platform sends people back to on this stack, by either name of this machine. */
function callbacks(apiUrl: string, platform: string): string[] {
  const callback = new URL(`/functions/v1/oauth-${platform}-callback`, apiUrl);
  const alias = new URL(callback);
  alias.hostname = callback.hostname === "localhost" ? "127.0.0.1" : "localhost";
  return [callback.href, alias.href];
}

/** The apps of the local stack, registered for the callbacks of this stack. */
export function localClients(apiUrl: string): OAuthClient[] {
  const client = (provider: Provider, project: string, platform: string = provider) => ({
    provider,
    ...localApps[provider],
    name: "StreamVibe",
    project,
    redirect_uris: callbacks(apiUrl, platform),
  });
  return [
    client("google", "streamvibe-local", "youtube"),
    client("instagram", "instagram-local"),
    client("facebook", "facebook-local"),
    // TikTok itself takes https addresses only.
    client("tiktok", "tiktok-local"),
  ];
}

/** The web application that is all simulated providers. */
export function createSimulator(world: World): Hono {
  const google = new Hono<CallEnv>();
  google.use(simulatedCall(world));
  google.use(async (c, next) => {
    const failing = c.var.faults.get("server_error");
    if (!failing) return await next();
    return c.json({ error: "internal_failure" }, failing.status);
  });
  google.route("/o/oauth2/v2", authorizeRoutes(world));
  google.route("/", tokenRoutes(world));

  const youtube = new Hono<CallEnv>();
  youtube.use(simulatedCall(world));
  youtube.route("/", youtubeRoutes(world));

  const app = new Hono();
  app.get("/_part/ready", (c) => c.text("ready"));
  app.get(
    "/",
    (c) =>
      c.text(
        "Simulated providers: Google OAuth at /google, YouTube at /youtube/v3, Instagram at " +
          "/instagram, Facebook at /facebook, TikTok at /tiktok, switches at /_admin\n",
      ),
  );
  app.route("/_admin", adminRoutes(world));
  app.route("/google", google);
  app.route("/youtube/v3", youtube);
  app.route("/instagram", instagramRoutes(world));
  app.route("/facebook", facebookRoutes(world));
  app.route("/tiktok", tiktokRoutes(world));
  return app;
}

/** A simulator on a port of its own, for tests; disposing of it closes it. */
export function serveSimulator(
  world: World,
  port = 0,
  hostname = "127.0.0.1",
): { url: string } & AsyncDisposable {
  const server = Deno.serve(
    { hostname, port, onListen: () => {} },
    createSimulator(world).fetch,
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
