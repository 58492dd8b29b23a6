/**
 * Configuration, read here and nowhere else. Values come in groups so that a function fails for the
 * variables it uses and not for those of another. {@link endpoint} evaluates the groups a function
 * declares when its module loads.
 */

import { once, readGroup, readJson, readKey, readNumber, readText } from "./read_env.ts";

/** What the platform injects into every function. */
export const platformEnv = once(() => ({
  /** Reachable from a function; not for links (locally it may be an inner address). */
  supabaseUrl: readGroup({ SUPABASE_URL: undefined }).SUPABASE_URL,
  publishableKey: readKey("SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_ANON_KEY"),
  secretKey: readKey("SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY"),
  /** Keys that sign user tokens, as a JWK set; may be empty. */
  jwks: readJson("SUPABASE_JWKS"),
  region: readText("SB_REGION"),
  executionId: readText("SB_EXECUTION_ID"),
}));

/** The database for the worker's own connection. */
export const databaseEnv = once(() => ({
  url: readGroup({ SUPABASE_DB_URL: undefined }).SUPABASE_DB_URL,
}));

/** Where users find us: links are built from these. */
export const linkEnv = once(() => {
  const { PUBLIC_URL, SITE_URL } = readGroup({ PUBLIC_URL: undefined, SITE_URL: undefined });
  return { publicUrl: PUBLIC_URL.replace(/\/+$/, ""), siteUrl: SITE_URL.replace(/\/+$/, "") };
});

/** Keys with which our own schedules and doorbells identify themselves; two during a rotation. */
export const automationEnv = once(() => {
  const { AUTOMATION_KEY } = readGroup({ AUTOMATION_KEY: undefined });
  const previous = readText("AUTOMATION_KEY_PREVIOUS");
  return { keys: previous ? [AUTOMATION_KEY, previous] : [AUTOMATION_KEY] };
});

/** The Google OAuth client. */
export const googleEnv = once(() => {
  const group = readGroup({
    GOOGLE_CLIENT_ID: undefined,
    GOOGLE_CLIENT_SECRET: undefined,
    GOOGLE_AUTH_URL: "https://accounts.google.com/o/oauth2/v2/auth",
    GOOGLE_TOKEN_URL: "https://oauth2.googleapis.com",
  });
  return {
    clientId: group.GOOGLE_CLIENT_ID,
    clientSecret: group.GOOGLE_CLIENT_SECRET,
    authUrl: group.GOOGLE_AUTH_URL,
    tokenUrl: group.GOOGLE_TOKEN_URL.replace(/\/+$/, ""),
  };
});

/** The version of Meta's graph that both of its platforms are spoken to in. */
const GRAPH_VERSION = "v26.0";

/** The Instagram app, which is not the Facebook app, and Instagram's three hosts. */
export const instagramEnv = once(() => {
  const group = readGroup({
    INSTAGRAM_APP_ID: undefined,
    INSTAGRAM_APP_SECRET: undefined,
    INSTAGRAM_AUTH_URL: "https://www.instagram.com/oauth/authorize",
    INSTAGRAM_TOKEN_URL: "https://api.instagram.com/oauth/access_token",
    INSTAGRAM_GRAPH_URL: "https://graph.instagram.com",
    META_GRAPH_VERSION: GRAPH_VERSION,
  });
  return {
    appId: group.INSTAGRAM_APP_ID,
    appSecret: group.INSTAGRAM_APP_SECRET,
    authUrl: group.INSTAGRAM_AUTH_URL,
    tokenUrl: group.INSTAGRAM_TOKEN_URL,
    graphUrl: group.INSTAGRAM_GRAPH_URL.replace(/\/+$/, ""),
    graphVersion: group.META_GRAPH_VERSION,
  };
});

/** The Facebook app, the host of its login dialog and the Graph API. */
export const facebookEnv = once(() => {
  const group = readGroup({
    FACEBOOK_APP_ID: undefined,
    FACEBOOK_APP_SECRET: undefined,
    FACEBOOK_DIALOG_URL: "https://www.facebook.com",
    FACEBOOK_GRAPH_URL: "https://graph.facebook.com",
    META_GRAPH_VERSION: GRAPH_VERSION,
  });
  return {
    appId: group.FACEBOOK_APP_ID,
    appSecret: group.FACEBOOK_APP_SECRET,
    dialogUrl: group.FACEBOOK_DIALOG_URL.replace(/\/+$/, ""),
    graphUrl: group.FACEBOOK_GRAPH_URL.replace(/\/+$/, ""),
    graphVersion: group.META_GRAPH_VERSION,
  };
});

/** The app at TikTok, its consent page and its API. */
export const tiktokEnv = once(() => {
  const group = readGroup({
    TIKTOK_CLIENT_KEY: undefined,
    TIKTOK_CLIENT_SECRET: undefined,
    TIKTOK_AUTH_URL: "https://www.tiktok.com/v2/auth/authorize/",
    TIKTOK_API_URL: "https://open.tiktokapis.com",
  });
  return {
    clientKey: group.TIKTOK_CLIENT_KEY,
    clientSecret: group.TIKTOK_CLIENT_SECRET,
    authUrl: group.TIKTOK_AUTH_URL,
    apiUrl: group.TIKTOK_API_URL.replace(/\/+$/, ""),
  };
});

/** The YouTube Data API. */
export const youtubeEnv = once(() => {
  const { YOUTUBE_API_URL } = readGroup({
    YOUTUBE_API_URL: "https://www.googleapis.com/youtube/v3",
  });
  return { apiUrl: YOUTUBE_API_URL.replace(/\/+$/, "") };
});

/**
 * How the job worker fits the platform it runs on. Hosted limits are the default there and null
 * (not watched) elsewhere; a paid plan raises `WORKER_WALL_CLOCK_MS` to 400000.
 */
export const workerEnv = once(() => {
  const region = readText("SB_REGION");
  const hosted = region !== undefined && region !== "local";
  return {
    concurrency: readNumber("WORKER_CONCURRENCY"),
    lingerMs: readNumber("WORKER_LINGER_MS"),
    budgetMs: readNumber("WORKER_BUDGET_MS"),
    wallClockMs: readNumber("WORKER_WALL_CLOCK_MS") ?? (hosted ? 150_000 : null),
    cpuMs: readNumber("WORKER_CPU_MS") ?? (hosted ? 1_500 : null),
    memoryBytes: readNumber("WORKER_MEMORY_BYTES") ?? (hosted ? 180 * 1024 * 1024 : null),
  };
});

/** The header with the caller's address that the platform in front of us overwrites on every request. */
export const clientIpEnv = once(() => ({
  header: readGroup({ CLIENT_IP_HEADER: "cf-connecting-ip" }).CLIENT_IP_HEADER,
}));

/** Which release this is; set by the deployment. */
export const releaseEnv = once(() => ({
  version: readGroup({ RELEASE_VERSION: "development" }).RELEASE_VERSION,
}));
