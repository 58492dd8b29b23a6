/** Names the auth schema a cluster holds, so that an upgrade of lite is noticed. */
export const authSchemaVersion = "Auth tables of @supabase/lite 0.10.0";

/** The statements that create schema `auth` and the tables lite's Auth works on. */
export async function authSchemaSql(): Promise<string> {
  const { getAuthSchemaSql } = await import("@supabase/lite");
  return getAuthSchemaSql();
}
