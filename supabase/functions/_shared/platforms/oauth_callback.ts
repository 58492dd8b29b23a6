/**
 * The way back from a provider, the same for every platform, in two steps. The browser that comes back
 * proves nothing: its person may have been lured into consenting to somebody else's authorization. So it
 * is only passed on to our site, where the signed-in user hands in the code; that connects, and only for
 * the user who started.
 */

import * as z from "zod";
import { byMethod } from "../by_method.ts";
import { endpoint } from "../endpoint.ts";
import type { Context, Endpoint } from "../endpoint_contract.ts";
import { linkEnv } from "../env.ts";
import type { ErrorCode } from "../errors.ts";
import { withQuery } from "../redirects.ts";
import { ok, seeOther } from "../reply.ts";
import { finishAuthorization } from "./authorization.ts";
import { findReturnPage } from "./oauth_state.ts";
import type { ConnectablePlatform } from "./platform.ts";

const State = z.string().min(1).max(512);
const Code = z.string().min(1).max(2048);

/** What a provider sends back: a code, or why there is none. */
const CallbackQuery = z.object({
  state: State,
  code: Code.optional(),
  error: z.string().min(1).max(200).optional(),
}).refine(
  ({ code, error }) => code !== undefined || error !== undefined,
  "code or error is needed",
);

/** What the page hands in: as it got it. */
const CallbackBody = z.strictObject({
  state: State,
  code: Code,
  /** The address the code came to; our own callback unless said. */
  redirect_uri: z.string().min(1).max(2048).optional(),
});

type Redirected = Context<"provider_redirect", z.infer<typeof CallbackQuery>, undefined>;
type HandedIn = Context<"user", undefined, z.infer<typeof CallbackBody>>;

/** The function that a platform sends back to: GET passes its browser on, POST connects. */
export function oauthCallback(platform: ConnectablePlatform): Endpoint {
  const name = `oauth-${platform.name}-callback`;
  return byMethod(
    endpoint({
      name,
      caller: "provider_redirect",
      methods: ["GET"],
      query: CallbackQuery,
      needs: [linkEnv],
    }, (context) => passOn(platform, context)),
    endpoint({
      name,
      caller: "user",
      methods: ["POST"],
      body: CallbackBody,
      needs: [linkEnv, platform.settings],
    }, (context) => connect(platform, context)),
  );
}

/**
 * Passes the browser on to the page it asked for, else to the site, with `code` and `state` or with
 * `error=<CODE>`. Takes and connects nothing.
 */
async function passOn(
  platform: ConnectablePlatform,
  { query: { state, code, error }, log }: Redirected,
): Promise<Response> {
  const { page, refusal } = await findReturnPage(platform.name, state);
  const refuse = (error_code: ErrorCode) => {
    log.info("an authorization came back without success", { error_code, reason: error });
    return seeOther(withQuery(page, { error: error_code }));
  };
  if (refusal !== null) return refuse(refusal);
  if (error === "access_denied") return refuse("OAUTH_DENIED");
  if (error !== undefined || code === undefined) return refuse("OAUTH_EXCHANGE_FAILED");
  return seeOther(withQuery(page, { code, state }));
}

/** Connects the account for the user who started. */
async function connect(
  platform: ConnectablePlatform,
  { user, body, signal }: HandedIn,
): Promise<Response> {
  const { redirect_uri: redirectUri, ...returned } = body;
  const social_account_id = await finishAuthorization(
    platform,
    user.id,
    { ...returned, redirectUri },
    { signal },
  );
  return ok({ social_account_id });
}
