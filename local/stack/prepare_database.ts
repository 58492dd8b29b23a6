import type { Sql } from "postgres";
import { migrate, readMigrations } from "../migrations/migrate.ts";
import { hasVault, keepSecret, seedOnce } from "../migrations/seed.ts";
import { applyPlatform } from "../platform/apply.ts";
import { connect } from "../postgres/connect.ts";
import type { UsableDatabase } from "../own_database/open.ts";
import { prepareOwnDatabase } from "../own_database/prepare.ts";
import { type StackInfo, taskFor } from "./info.ts";

/** Brings a database up to date: platform, migrations, seed, and the secrets of this stack. */
export async function prepareDatabase(
  info: StackInfo,
  own: UsableDatabase | null,
  options: { seed: boolean; tell: (line: string) => void; signal?: AbortSignal },
): Promise<void> {
  const admin = connect(info.admin_db_url);
  const sql = connect(info.db_url);
  const close = async () => {
    await Promise.all([admin, sql].map((connection) => connection.end({ timeout: 0 })));
  };
  // The driver throws, where nobody can catch it, when the server goes before its connections.
  options.signal?.addEventListener("abort", close, { once: true });
  try {
    const migrations = readMigrations();
    const fill = async () => {
      const applied = await migrate(sql, await migrations, {
        playedExtensions: own?.plan.played,
        reset: taskFor("reset", info.name),
      });
      if (applied.length > 0) options.tell(`Applied ${applied.length} migrations.`);
      if (options.seed && await seedOnce(sql)) options.tell("Seeded with supabase/seed.sql.");
      if (await hasVault(sql)) await keepSecrets(sql, info);
    };
    if (own) {
      const claimant = { stack: info.name, folder: info.state_dir };
      await prepareOwnDatabase(own, claimant, admin, fill, options.tell);
    } else {
      await applyPlatform(admin);
      await fill();
    }
  } finally {
    options.signal?.removeEventListener("abort", close);
    await close();
  }
}

async function keepSecrets(sql: Sql, info: StackInfo): Promise<void> {
  await keepSecret(sql, "project_url", info.api_url, "Where the database reaches the API.");
  const purpose = "What the database shows to edge functions.";
  await keepSecret(sql, "automation_key", info.automation_key, purpose);
}
