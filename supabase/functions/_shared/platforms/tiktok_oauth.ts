/**
 * TikTok's OAuth for web apps: comma-separated scopes, no PKCE (it is for mobile and desktop apps),
 * refresh tokens that change with every use.
 */

import * as z from "zod";
import { tiktokEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import type { CallOptions, OAuthClient, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import { isTikTokFault, readTikTokFault } from "./tiktok_fault.ts";

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  refresh_token: z.string().min(1).optional(),
  scope: z.string().default(""),
  token_type: z.string().regex(/^bearer$/i),
});

/** The app registered under `TIKTOK_CLIENT_KEY`. */
export const tiktokOAuth: OAuthClient = createTikTokOAuth(tiktokEnv);

/** A client with these settings. */
export function createTikTokOAuth(settings: () => ReturnType<typeof tiktokEnv>): OAuthClient {
  function post<T>(
    resource: "token" | "revoke",
    form: Record<string, string>,
    schema: z.ZodType<T>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    const { apiUrl, clientKey, clientSecret } = settings();
    return callProvider({
      provider: "tiktok",
      url: `${apiUrl}/v2/oauth/${resource}/`,
      method: "POST",
      body: new URLSearchParams({ ...form, client_key: clientKey, client_secret: clientSecret }),
      schema,
      isFault: isTikTokFault,
      readFault: readTikTokFault,
      signal,
    });
  }

  async function requestToken(
    form: Record<string, string>,
    options?: CallOptions,
  ): Promise<TokenGrant> {
    const askedAt = Date.now();
    const answer = await post("token", form, TokenAnswer, options);
    return {
      accessToken: answer.access_token,
      // Another one each time; the one that was used is dead.
      refreshToken: answer.refresh_token ?? null,
      // Counted from before the call: rather a second too early than one too late.
      expiresAt: new Date(askedAt + answer.expires_in * 1000).toISOString(),
      scopes: answer.scope.split(",").map((scope) => scope.trim()).filter(Boolean),
    };
  }

  const refresh = (refreshToken: string | null, options?: CallOptions) =>
    requestToken({ grant_type: "refresh_token", refresh_token: refreshToken ?? "" }, options);

  return {
    pkce: false,
    refreshesWith: "refresh_token",

    authorizationUrl({ redirectUri, state, scopes }) {
      const { authUrl, clientKey } = settings();
      const url = new URL(authUrl);
      url.search = new URLSearchParams({
        client_key: clientKey,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: scopes.join(","),
        state,
      }).toString();
      return url.href;
    },

    exchangeCode({ code, redirectUri }, options) {
      return requestToken({
        grant_type: "authorization_code",
        code: decodeCode(code),
        redirect_uri: redirectUri,
      }, options);
    },

    refresh({ refreshToken }, options) {
      return refresh(refreshToken, options);
    },

    /** Takes access tokens only: one that has run out is renewed to be revoked. */
    async revoke({ accessToken, refreshToken }, options) {
      const end = (token: string) => post("revoke", { token }, z.unknown(), options);
      try {
        await end(accessToken).catch(async (error) => {
          if (!isReauth(error) || refreshToken === null) throw error;
          await end((await refresh(refreshToken, options)).accessToken);
        });
      } catch (error) {
        if (!isReauth(error)) throw error;
      }
      return { revoked: true };
    },
  };
}

/** TikTok's codes have characters that are encoded on the way back; a page may hand one in as it stood. */
function decodeCode(code: string): string {
  try {
    return decodeURIComponent(code);
  } catch {
    return code;
  }
}

const isReauth = (error: unknown) => error instanceof ProviderError && error.class === "reauth";
