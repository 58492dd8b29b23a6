import type postgres from "postgres";
import { taskFor } from "../stack/info.ts";
import { applyPlatform } from "../platform/apply.ts";
import { connectTo, type UsableDatabase } from "./open.ts";
import { summary } from "./inventory.ts";
import { claimDatabase, notingWhatIsMade } from "./notes.ts";
import type { Claimant } from "./problem.ts";
import { playExtension } from "./stand_in_sql.ts";

/**
 * Puts the platform into a database of one's own, then has `work` done, which applies migrations;
 * whatever that makes is noted for a later reset and said.
 */
export async function prepareOwnDatabase(
  database: UsableDatabase,
  claimant: Claimant,
  admin: postgres.Sql,
  work: () => Promise<void>,
  tell: (line: string) => void,
): Promise<void> {
  await claimDatabase(admin, claimant);
  const made = await notingWhatIsMade(admin, async () => {
    await applyPlatform(admin, {
      apiPassword: database.kept.api_password,
      postgresPassword: database.kept.postgres_password,
      playedExtensions: database.plan.played,
    }, () => playWhatIsMissing(database, admin));
    const offers = (name: string) => database.plan.real.some((one) => one.name === name);
    if (offers("pgmq")) await createAsPostgres(admin, "pgmq");
    if (offers("pgtap")) await admin`create extension if not exists pgtap with schema extensions`;
    await assertApiLogin(database);
    await work();
  });
  if (made.length > 0) {
    tell(
      `Made in database "${database.facts.database}": ${summary(made)}. \`${
        taskFor("reset", claimant.stack)
      }\` lists them.`,
    );
  }
}

/** Objects by which an extension, real or played, is known to be there. */
const proofs = {
  pg_cron: "cron.job",
  pg_net: "net.http_request_queue",
  supabase_vault: "vault.secrets",
  pgmq: "pgmq.meta",
  pgtap: "extensions.tap_funky",
} as const;

async function playWhatIsMissing({ plan }: UsableDatabase, admin: postgres.Sql): Promise<void> {
  await admin`create schema if not exists extensions`;
  // The stand-in of Vault encrypts with it.
  await admin`create extension if not exists pgcrypto with schema extensions`;
  for (const name of plan.played) {
    const [{ isThere }] = await admin<[{ isThere: boolean }]>`
      select to_regclass(${proofs[name]}) is not null as "isThere"`;
    if (!isThere) await playExtension(admin, name);
  }
}

/** Who makes queues has to own the extension; on hosted, postgres does. */
async function createAsPostgres(admin: postgres.Sql, name: string): Promise<void> {
  await admin.begin(async (sql) => {
    await sql`set local role postgres`;
    await sql`create extension if not exists ${sql(name)}`;
  });
}

/** The role of Auth and data API may be that of another stack on the same server. */
async function assertApiLogin({ urls }: UsableDatabase): Promise<void> {
  try {
    const sql = await connectTo(new URL(urls.api));
    await sql.end({ timeout: 1 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Role supabase_lite, as which Auth and data API log in, does not get in; if another stack made it on this server, reset that one first. ${reason}`,
    );
  }
}
