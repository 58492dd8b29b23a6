import { byMethod } from "../_shared/by_method.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { googleEnv, linkEnv } from "../_shared/env.ts";
import {
  CallbackBody,
  CallbackQuery,
  connect,
  passOn,
} from "../_shared/platforms/oauth_callback.ts";
import { platforms } from "../_shared/platforms/registry.ts";

const name = "oauth-youtube-callback";

/** GET passes the browser that Google sends back on to our site; POST connects the channel. */
export default {
  fetch: byMethod(
    endpoint({
      name,
      caller: "provider_redirect",
      methods: ["GET"],
      query: CallbackQuery,
      needs: [linkEnv],
    }, (context) => passOn(platforms.youtube, context)),
    endpoint({
      name,
      caller: "user",
      methods: ["POST"],
      body: CallbackBody,
      needs: [googleEnv],
    }, (context) => connect(platforms.youtube, context)),
  ),
};
