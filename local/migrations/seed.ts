import type { Sql } from "postgres";
import { join } from "node:path";
import { repositoryRoot } from "../stack/paths.ts";

/** The name under which the CLI records the one seed file we have. */
const seedPath = "supabase/seed.sql";

/** Fills a database with `supabase/seed.sql` once, and records it where the CLI does. */
export async function seedOnce(sql: Sql): Promise<boolean> {
  const text = await Deno.readTextFile(join(repositoryRoot, seedPath)).catch(() => "");
  if (!text.trim()) return false;
  await sql`
    create table if not exists supabase_migrations.seed_files (path text not null primary key, hash text not null)`;
  const [seeded] = await sql`select from supabase_migrations.seed_files where path = ${seedPath}`;
  if (seeded) return false;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hash = new Uint8Array(digest).toHex();
  await sql.begin(async (transaction) => {
    await transaction.unsafe(text).simple();
    await transaction`
      insert into supabase_migrations.seed_files (path, hash) values (${seedPath}, ${hash})`;
  });
  return true;
}

/** Puts a secret where migrations' functions look for it: `vault`, by name; replaces an old value. */
export async function keepSecret(
  sql: Sql,
  name: string,
  secret: string,
  description: string,
): Promise<void> {
  const [kept] = await sql<{ id: string; decrypted_secret: string }[]>`
    select id, decrypted_secret from vault.decrypted_secrets where name = ${name}`;
  if (kept?.decrypted_secret === secret) return;
  if (kept) await sql`select vault.update_secret(${kept.id}, ${secret})`;
  else await sql`select vault.create_secret(${secret}, ${name}, ${description})`;
}

/** True when the server has a Vault, real or played. */
export async function hasVault(sql: Sql): Promise<boolean> {
  const [found] = await sql<{ present: boolean }[]>`
    select to_regclass('vault.decrypted_secrets') is not null as present`;
  return found?.present === true;
}
