import { oauthCallback } from "../_shared/platforms/oauth_callback.ts";
import { platforms } from "../_shared/platforms/registry.ts";

/** GET passes the browser that TikTok sends back on to our site; POST connects the account. */
export default { fetch: oauthCallback(platforms.tiktok) };
