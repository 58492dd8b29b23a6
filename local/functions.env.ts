import type { PartEnv } from "./part.ts";

/** The apps that are registered at the simulated providers; what they open does not exist. */
export const localApps = {
  google: { id: "local-google-client", secret: "local-google-secret" },
  instagram: { id: "1000000000000001", secret: "local-instagram-secret" },
  facebook: { id: "1000000000000002", secret: "local-facebook-secret" },
  tiktok: { id: "local-tiktok-key", secret: "local-tiktok-secret" },
} as const;

/** What the functions' secrets depend on. */
export interface FunctionSurroundings
  extends Pick<PartEnv, "apiUrl" | "automationKey" | "providersUrl"> {
  /** How functions reach the providers, where that is not how browsers do. */
  readonly providersFromFunctions?: string;
}

/** The functions' own secrets on the local stack; a hosted project has them by `supabase secrets set`. */
export function functionSecrets(
  { apiUrl, automationKey, providersUrl, providersFromFunctions = providersUrl }:
    FunctionSurroundings,
): Record<string, string> {
  const { google, instagram, facebook, tiktok } = localApps;
  return {
    PUBLIC_URL: apiUrl,
    SITE_URL: "http://127.0.0.1:3000",
    AUTOMATION_KEY: automationKey,
    GOOGLE_CLIENT_ID: google.id,
    GOOGLE_CLIENT_SECRET: google.secret,
    GOOGLE_AUTH_URL: `${providersUrl}/google/o/oauth2/v2/auth`,
    GOOGLE_TOKEN_URL: `${providersFromFunctions}/google`,
    YOUTUBE_API_URL: `${providersFromFunctions}/youtube/v3`,
    INSTAGRAM_APP_ID: instagram.id,
    INSTAGRAM_APP_SECRET: instagram.secret,
    INSTAGRAM_AUTH_URL: `${providersUrl}/instagram/oauth/authorize`,
    INSTAGRAM_TOKEN_URL: `${providersFromFunctions}/instagram/oauth/access_token`,
    INSTAGRAM_GRAPH_URL: `${providersFromFunctions}/instagram`,
    FACEBOOK_APP_ID: facebook.id,
    FACEBOOK_APP_SECRET: facebook.secret,
    FACEBOOK_DIALOG_URL: `${providersUrl}/facebook`,
    FACEBOOK_GRAPH_URL: `${providersFromFunctions}/facebook`,
    TIKTOK_CLIENT_KEY: tiktok.id,
    TIKTOK_CLIENT_SECRET: tiktok.secret,
    TIKTOK_AUTH_URL: `${providersUrl}/tiktok/v2/auth/authorize/`,
    TIKTOK_API_URL: `${providersFromFunctions}/tiktok`,
  };
}
