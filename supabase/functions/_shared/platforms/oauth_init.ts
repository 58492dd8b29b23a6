import * as z from "zod";
import { endpoint } from "../endpoint.ts";
import type { Endpoint } from "../endpoint_contract.ts";
import { linkEnv } from "../env.ts";
import { RedirectTarget } from "../redirects.ts";
import { ok } from "../reply.ts";
import { startAuthorization } from "./authorization.ts";
import type { ConnectablePlatform } from "./platform.ts";

const Body = z.strictObject({ redirect: RedirectTarget.optional() });

/** The function that tells a signed-in creator where to go to connect an account of a platform. */
export function oauthInit(platform: ConnectablePlatform): Endpoint {
  return endpoint({
    name: `oauth-${platform.name}-init`,
    caller: "user",
    methods: ["POST"],
    body: Body,
    needs: [linkEnv, platform.settings],
  }, async ({ user, body }) => {
    const authorization_url = await startAuthorization(platform, user.id, body.redirect);
    return ok({ authorization_url });
  });
}
