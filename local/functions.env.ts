import type { PartEnv } from "./part.ts";

/** The functions' own secrets on the local stack; a hosted project has them by `supabase secrets set`. */
export function functionSecrets(
  env: Pick<PartEnv, "apiUrl" | "automationKey" | "providersUrl">,
): Record<string, string> {
  return {
    PUBLIC_URL: env.apiUrl,
    SITE_URL: "http://127.0.0.1:3000",
    AUTOMATION_KEY: env.automationKey,
    GOOGLE_CLIENT_ID: "local-google-client",
    GOOGLE_CLIENT_SECRET: "local-google-secret",
    GOOGLE_AUTH_URL: `${env.providersUrl}/google/o/oauth2/v2/auth`,
    GOOGLE_TOKEN_URL: `${env.providersUrl}/google`,
    YOUTUBE_API_URL: `${env.providersUrl}/youtube/v3`,
    INSTAGRAM_APP_ID: "1000000000000001",
    INSTAGRAM_APP_SECRET: "local-instagram-secret",
    INSTAGRAM_AUTH_URL: `${env.providersUrl}/instagram/oauth/authorize`,
    INSTAGRAM_TOKEN_URL: `${env.providersUrl}/instagram/oauth/access_token`,
    INSTAGRAM_GRAPH_URL: `${env.providersUrl}/instagram`,
    FACEBOOK_APP_ID: "1000000000000002",
    FACEBOOK_APP_SECRET: "local-facebook-secret",
    FACEBOOK_DIALOG_URL: `${env.providersUrl}/facebook`,
    FACEBOOK_GRAPH_URL: `${env.providersUrl}/facebook`,
    TIKTOK_CLIENT_KEY: "local-tiktok-key",
    TIKTOK_CLIENT_SECRET: "local-tiktok-secret",
    TIKTOK_AUTH_URL: `${env.providersUrl}/tiktok/v2/auth/authorize/`,
    TIKTOK_API_URL: `${env.providersUrl}/tiktok`,
  };
}
