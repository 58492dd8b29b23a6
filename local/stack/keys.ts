import { join } from "node:path";

/** The fixed keys of every local Supabase, the same as the CLI's: no secret, only well known. */
export const localKeys = {
  publishable: "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH",
  secret: "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz",
  jwtSecret: "super-secret-jwt-token-with-at-least-32-characters-long",
  databasePassword: "postgres",
} as const;

/** The key the database shows to edge functions; made once per stack and kept with its data. */
export async function automationKey(stackDir: string): Promise<string> {
  const path = join(stackDir, "automation_key");
  const kept = await Deno.readTextFile(path).catch(() => null);
  if (kept) return kept;
  const made = `sv_automation_${crypto.getRandomValues(new Uint8Array(24)).toHex()}`;
  await Deno.writeTextFile(path, made, { mode: 0o600 });
  return made;
}
