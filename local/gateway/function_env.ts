import { functionSecrets } from "../functions.env.ts";
import type { PartEnv } from "../part.ts";
import { dataApiVariable } from "./short_way.ts";

/** The environment every function gets: what the platform injects, and the project's own secrets. */
export function functionEnv(env: PartEnv): Record<string, string> {
  const secret = new TextEncoder().encode(env.jwtSecret);
  return {
    ...functionSecrets(env),
    SUPABASE_URL: env.apiUrl,
    SUPABASE_ANON_KEY: env.publishableKey,
    SUPABASE_SERVICE_ROLE_KEY: env.secretKey,
    SUPABASE_DB_URL: env.dbUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: env.publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: env.secretKey }),
    // Like the CLI: the shared secret as a key, beside whatever the auth server publishes.
    SUPABASE_JWKS: JSON.stringify({
      keys: [{
        kty: "oct",
        alg: "HS256",
        k: secret.toBase64({ alphabet: "base64url", omitPadding: true }),
      }],
    }),
    SB_REGION: "local",
    ...(env.dataApiUrl && { [dataApiVariable]: env.dataApiUrl }),
  };
}
