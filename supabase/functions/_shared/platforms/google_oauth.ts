/** Google OAuth 2.0 for web servers: authorization code with PKCE, refresh, revoke. */

import * as z from "zod";
import { googleEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import { classOfStatus, type FailedResponse, type FaultReading } from "./http_fault.ts";
import type { CallOptions, OAuthClient, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  refresh_token: z.string().min(1).optional(),
  scope: z.string().default(""),
  token_type: z.string().regex(/^bearer$/i),
});

const ErrorAnswer = z.object({ error: z.string(), error_description: z.string().optional() });

/** The client registered under `GOOGLE_CLIENT_ID`. */
export const googleOAuth: OAuthClient = createGoogleOAuth(googleEnv);

/** A client with these settings. */
export function createGoogleOAuth(settings: () => ReturnType<typeof googleEnv>): OAuthClient {
  function post<T>(
    path: string,
    form: Record<string, string>,
    schema: z.ZodType<T>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    return callProvider({
      provider: "google",
      url: `${settings().tokenUrl}${path}`,
      method: "POST",
      body: new URLSearchParams(form),
      schema,
      readFault,
      signal,
    });
  }

  async function requestToken(
    form: Record<string, string>,
    options?: CallOptions,
  ): Promise<TokenGrant> {
    const { clientId, clientSecret } = settings();
    const askedAt = Date.now();
    const answer = await post(
      "/token",
      {
        ...form,
        client_id: clientId,
        client_secret: clientSecret,
      },
      TokenAnswer,
      options,
    );
    return {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? null,
      // Counted from before the call: rather a second too early than one too late.
      expiresAt: new Date(askedAt + answer.expires_in * 1000).toISOString(),
      scopes: answer.scope.split(" ").filter(Boolean),
    };
  }

  return {
    pkce: true,
    refreshesWith: "refresh_token",

    authorizationUrl({ redirectUri, state, codeChallenge, scopes }) {
      const { authUrl, clientId } = settings();
      const url = new URL(authUrl);
      url.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: scopes.join(" "),
        state,
        code_challenge: codeChallenge,
        code_challenge_method: "S256",
        // A refresh token comes only with offline access, and again only when consent is asked again.
        access_type: "offline",
        prompt: "consent",
        include_granted_scopes: "true",
      }).toString();
      return url.href;
    },

    exchangeCode({ code, codeVerifier, redirectUri }, options) {
      return requestToken({
        grant_type: "authorization_code",
        code,
        code_verifier: codeVerifier,
        redirect_uri: redirectUri,
      }, options);
    },

    refresh({ refreshToken }, options) {
      return requestToken(
        { grant_type: "refresh_token", refresh_token: refreshToken ?? "" },
        options,
      );
    },

    async revoke({ accessToken, refreshToken }, options) {
      const token = refreshToken ?? accessToken;
      try {
        await post("/revoke", { token }, z.unknown(), options);
      } catch (error) {
        const ended = error instanceof ProviderError && error.code === "invalid_token";
        if (!ended) throw error;
      }
      return { revoked: true };
    },
  };
}

/** `invalid_grant` is the end of a grant, whichever way it ended; all else is ours or passing. */
function readFault({ status, body }: FailedResponse): FaultReading {
  const parsed = ErrorAnswer.safeParse(body);
  if (!parsed.success) return {};
  const { error, error_description } = parsed.data;
  return {
    code: error,
    reason: error,
    message: error_description ?? error,
    class: error === "invalid_grant"
      ? "reauth"
      : error === "invalid_client"
      ? "permission"
      : classOfStatus(status),
  };
}
