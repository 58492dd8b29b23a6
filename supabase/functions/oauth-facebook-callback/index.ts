import { oauthCallback } from "../_shared/platforms/oauth_callback.ts";
import { platforms } from "../_shared/platforms/registry.ts";

/** GET passes the browser that Facebook sends back on to our site; POST connects the page. */
export default { fetch: oauthCallback(platforms.facebook) };
