/**
 * Facebook's OAuth: a code buys a person's token of hours, that one of 60 days; what was granted only
 * `debug_token` says. A page's token, which is what a connection stores, is got with the person's.
 */

import * as z from "zod";
import { facebookEnv } from "../env.ts";
import { createFacebook } from "./facebook.ts";
import { callGraph, type FacebookSettings } from "./facebook_graph.ts";
import type { CallOptions, OAuthClient } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  // Left out for a token of which Facebook does not say how long it lasts.
  expires_in: z.number().positive().optional(),
});

const DebugAnswer = z.object({
  data: z.object({
    scopes: z.array(z.string()).default([]),
    /** Of a page's token: the page. */
    profile_id: z.string().optional(),
  }),
});

/** The client registered under `FACEBOOK_APP_ID`. */
export const facebookOAuth: OAuthClient = createFacebookOAuth(facebookEnv);

/** A client with these settings. */
export function createFacebookOAuth(settings: FacebookSettings): OAuthClient {
  const { listPages } = createFacebook(settings);

  function requestToken(query: Record<string, string>, options?: CallOptions) {
    const { appId, appSecret } = settings();
    return callGraph(settings, {
      resource: "oauth/access_token",
      query: { client_id: appId, client_secret: appSecret, ...query },
      accessToken: null,
      schema: TokenAnswer,
    }, options);
  }

  async function debug(token: string, options?: CallOptions) {
    const { appId, appSecret } = settings();
    const { data } = await callGraph(settings, {
      resource: "debug_token",
      query: { input_token: token },
      accessToken: `${appId}|${appSecret}`,
      schema: DebugAnswer,
    }, options);
    return data;
  }

  return {
    pkce: false,
    refreshesWith: "refresh_token",

    authorizationUrl({ redirectUri, state, scopes }) {
      const { dialogUrl, graphVersion, appId } = settings();
      const url = new URL(`${dialogUrl}/${graphVersion}/dialog/oauth`);
      url.search = new URLSearchParams({
        client_id: appId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: scopes.join(","),
        state,
      }).toString();
      return url.href;
    },

    async exchangeCode({ code, redirectUri }, options) {
      const short = await requestToken({
        redirect_uri: redirectUri,
        // Facebook hangs this on the address it sends back to; it is no part of the code.
        code: code.replace(/#_=_$/, ""),
      }, options);
      const askedAt = Date.now();
      const long = await requestToken({
        grant_type: "fb_exchange_token",
        fb_exchange_token: short.access_token,
      }, options);
      return {
        accessToken: long.access_token,
        refreshToken: null,
        expiresAt: long.expires_in === undefined
          ? null
          : new Date(askedAt + long.expires_in * 1000).toISOString(),
        scopes: (await debug(long.access_token, options)).scopes,
      };
    },

    /** Gets the page another token with the person's, which Facebook itself does not renew. */
    async refresh({ accessToken, refreshToken }, options) {
      const userToken = refreshToken ?? accessToken;
      const pages = await listPages(userToken, options);
      const { profile_id, scopes } = await debug(accessToken, options);
      const page = pages.find(({ id }) => id === profile_id);
      if (!page?.access_token) throw pageLost();
      return { accessToken: page.access_token, refreshToken: null, expiresAt: null, scopes };
    },

    /** Takes back all that the person has allowed the app, for every page of theirs. */
    async revoke({ accessToken, refreshToken }, options) {
      const token = refreshToken ?? accessToken;
      const call = { accessToken: token, schema: z.object({ id: z.string() }) };
      try {
        const { id } = await callGraph(settings, {
          ...call,
          resource: "me",
          query: { fields: "id" },
        }, options);
        await callGraph(settings, {
          ...call,
          method: "DELETE",
          resource: `${id}/permissions`,
          schema: z.object({ success: z.literal(true) }),
        }, options);
      } catch (error) {
        if (!(error instanceof ProviderError && error.class === "reauth")) throw error;
      }
      return { revoked: true };
    },
  };
}

/** The person has left the page, or the page is gone. */
function pageLost(): ProviderError {
  return new ProviderError({
    provider: "facebook",
    httpStatus: 200,
    code: "page_lost",
    reason: "page_lost",
    message: "facebook: the page is no longer among those of its person",
    class: "reauth",
  });
}
