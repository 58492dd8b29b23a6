import { oauthInit } from "../_shared/platforms/oauth_init.ts";
import { platforms } from "../_shared/platforms/registry.ts";

/** Tells a signed-in creator where to go to connect a Facebook page. */
export default { fetch: oauthInit(platforms.facebook) };
