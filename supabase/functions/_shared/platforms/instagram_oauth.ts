/**
 * Instagram's OAuth (Instagram Login): a code buys a token of an hour, that one of 60 days, and that
 * one itself is renewed. There is no refresh token, no PKCE and no way for a server to revoke.
 */

import * as z from "zod";
import { instagramEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import { readMetaFault } from "./meta_fault.ts";
import type { CallOptions, OAuthClient } from "./platform.ts";

/** `a,b` or a list. */
const Permissions = z.union([z.string().transform((text) => text.split(",")), z.array(z.string())])
  .transform((all) => all.map((scope) => scope.trim()).filter(Boolean));

const Short = z.object({
  access_token: z.string().min(1),
  permissions: Permissions.default([]),
});

/** Documented with `data` around it, seen without. */
const ShortAnswer = z.union([
  z.object({ data: z.tuple([Short]).rest(z.unknown()) }).transform(({ data }) => data[0]),
  Short,
]);

const LongAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
});

/** The client registered under `INSTAGRAM_APP_ID`. */
export const instagramOAuth: OAuthClient = createInstagramOAuth(instagramEnv);

/** A client with these settings. */
export function createInstagramOAuth(settings: () => ReturnType<typeof instagramEnv>): OAuthClient {
  async function requestLong(
    resource: "access_token" | "refresh_access_token",
    query: Record<string, string>,
    { signal }: CallOptions = {},
  ) {
    const askedAt = Date.now();
    const answer = await callProvider({
      provider: "instagram",
      url: `${settings().graphUrl}/${resource}?${new URLSearchParams(query)}`,
      schema: LongAnswer,
      readFault: readMetaFault,
      signal,
    });
    return {
      accessToken: answer.access_token,
      refreshToken: null,
      // Counted from before the call: rather a second too early than one too late.
      expiresAt: new Date(askedAt + answer.expires_in * 1000).toISOString(),
    };
  }

  return {
    pkce: false,
    refreshesWith: "access_token",

    authorizationUrl({ redirectUri, state, scopes }) {
      const { authUrl, appId } = settings();
      const url = new URL(authUrl);
      url.search = new URLSearchParams({
        client_id: appId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: scopes.join(","),
        state,
      }).toString();
      return url.href;
    },

    async exchangeCode({ code, redirectUri }, options = {}) {
      const { tokenUrl, appId, appSecret } = settings();
      const short = await callProvider({
        provider: "instagram",
        url: tokenUrl,
        method: "POST",
        body: new URLSearchParams({
          client_id: appId,
          client_secret: appSecret,
          grant_type: "authorization_code",
          redirect_uri: redirectUri,
          // Instagram hangs this on the address it sends back to; it is no part of the code.
          code: code.replace(/#_$/, ""),
        }),
        schema: ShortAnswer,
        readFault: readMetaFault,
        signal: options.signal,
      });
      const long = await requestLong("access_token", {
        grant_type: "ig_exchange_token",
        client_secret: appSecret,
        access_token: short.access_token,
      }, options);
      return { ...long, scopes: short.permissions };
    },

    /** Refused within a day of the last time; the answer says nothing about scopes. */
    async refresh({ accessToken }, options) {
      const query = { grant_type: "ig_refresh_token", access_token: accessToken };
      return { ...await requestLong("refresh_access_token", query, options), scopes: [] };
    },

    revoke() {
      return Promise.resolve({ revoked: false });
    },
  };
}
