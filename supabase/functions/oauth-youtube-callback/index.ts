import { endpoint } from "../_shared/endpoint.ts";
import { googleEnv } from "../_shared/env.ts";
import { CallbackQuery, receiveRedirect } from "../_shared/platforms/oauth_callback.ts";
import { platforms } from "../_shared/platforms/registry.ts";

/** Receives the browser that Google sends back and connects the channel. */
export default {
  fetch: endpoint({
    name: "oauth-youtube-callback",
    caller: "provider_redirect",
    methods: ["GET"],
    query: CallbackQuery,
    needs: [googleEnv],
  }, (context) => receiveRedirect(platforms.youtube, context)),
};
