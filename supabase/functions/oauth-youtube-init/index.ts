import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { googleEnv, linkEnv } from "../_shared/env.ts";
import { startAuthorization } from "../_shared/platforms/authorization.ts";
import { platforms } from "../_shared/platforms/registry.ts";
import { RedirectTarget } from "../_shared/redirects.ts";
import { ok } from "../_shared/reply.ts";

/** Tells a signed-in creator where to go to connect a YouTube channel. */
export default {
  fetch: endpoint({
    name: "oauth-youtube-init",
    caller: "user",
    methods: ["POST"],
    body: z.strictObject({ redirect_to: RedirectTarget.optional() }),
    needs: [googleEnv, linkEnv],
  }, async ({ user, body }) => {
    const { youtube } = platforms;
    return ok({ authorization_url: await startAuthorization(youtube, user.id, body.redirect_to) });
  }),
};
