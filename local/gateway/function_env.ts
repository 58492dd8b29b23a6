import { functionSecrets } from "../functions.env.ts";
import type { PartEnv } from "../part.ts";
import { dataApiVariable } from "./short_way.ts";

/**
 * The environment every function gets: what the platform injects, and the project's own secrets.
 * Those of the project win over what a stack has for a project without any, but where the stack
 * itself is, and the key in its Vault, is for the stack to say.
 */
export function functionEnv(
  env: PartEnv,
  projectSecrets: Record<string, string> = {},
): Record<string, string> {
  const secret = new TextEncoder().encode(env.jwtSecret);
  return {
    ...functionSecrets(env),
    ...projectSecrets,
    PUBLIC_URL: env.apiUrl,
    AUTOMATION_KEY: env.automationKey,
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
