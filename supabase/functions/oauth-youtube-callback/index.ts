import { oauthCallback } from "../_shared/platforms/oauth_callback.ts";
import { platforms } from "../_shared/platforms/registry.ts";

/** GET passes the browser that Google sends back on to our site; POST connects the channel. */
export default { fetch: oauthCallback(platforms.youtube) };
