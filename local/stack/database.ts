import { join } from "node:path";
import { withoutPassword } from "../own_database/database_url.ts";
import type { PlayableExtension } from "../own_database/extension_plan.ts";
import { openOwnDatabase, type UsableDatabase } from "../own_database/open.ts";
import { readOwnDatabase } from "../own_database/secrets_file.ts";
import { databaseUrl, superuserUrl } from "../postgres/connect.ts";
import { exists, installPostgres } from "../postgres/install.ts";
import { ensureCluster } from "../postgres/prepare.ts";
import { type PartName, type StackInfo, taskFor } from "./info.ts";
import { markUsed, pruneCache } from "./prune_cache.ts";

/** Where a stack keeps its rows: on a server that it runs, or in somebody's database. */
export interface StackDatabase {
  readonly urls: Pick<StackInfo, "db_url" | "admin_db_url" | "api_db_url">;
  /** Settings of the part that runs the server; null when the server is not ours to run. */
  readonly serverEnv: Readonly<Record<string, string>> | null;
  readonly real: readonly string[];
  readonly standIns: readonly string[];
  readonly leftOut: Readonly<Partial<Record<PartName, string>>>;
  /** What has to be prepared there in another way than on our own server; null for ours. */
  readonly own: UsableDatabase | null;
}

/** What of a start decides about the database. */
export interface DatabaseChoice {
  readonly name: string;
  readonly fast: boolean;
  readonly dbUrl?: string;
  readonly standIns?: readonly PlayableExtension[];
}

/** The database of a stack; one that was started with `--db-url` stays with it. */
export async function stackDatabase(
  choice: DatabaseChoice,
  stackDir: string,
  port: number,
): Promise<StackDatabase> {
  const kept = await readOwnDatabase(stackDir);
  const url = choice.dbUrl ?? kept?.url;
  if (!url) return await ownServer(choice, stackDir, port);

  if (await exists(join(stackDir, "pgdata"))) {
    throw new Error(
      `The stack "${choice.name}" has a server of its own with data in it: take another name with --name for this database.`,
    );
  }
  if (kept && place(kept.url) !== place(url)) {
    throw new Error(
      `The stack "${choice.name}" works on ${
        withoutPassword(kept.url)
      }: take another name with --name, or give that database back with \`${
        taskFor("reset", choice.name)
      }\`.`,
    );
  }
  return await somebodysDatabase(choice, stackDir, url);
}

async function ownServer(
  { fast }: DatabaseChoice,
  stackDir: string,
  port: number,
): Promise<StackDatabase> {
  const installation = await installPostgres();
  const dataDir = join(stackDir, "pgdata");
  await ensureCluster(installation, dataDir, { fast });
  await markUsed(installation.root);
  await pruneCache();
  return {
    urls: {
      db_url: databaseUrl(port),
      admin_db_url: await superuserUrl(port, dataDir),
      api_db_url: databaseUrl(port, "supabase_lite"),
    },
    serverEnv: { POSTGRES_ROOT: installation.root, POSTGRES_FAST: fast ? "1" : "0" },
    real: [],
    standIns: installation.standIns,
    leftOut: {},
    own: null,
  };
}

async function somebodysDatabase(
  { name, standIns = [] }: DatabaseChoice,
  stackDir: string,
  url: string,
): Promise<StackDatabase> {
  const own = await openOwnDatabase(url, standIns, { stack: name, folder: stackDir });
  const { facts, plan, urls, realtimeAdvice } = own;
  return {
    urls: { db_url: urls.postgres, admin_db_url: urls.admin, api_db_url: urls.api },
    serverEnv: null,
    real: [
      `your PostgreSQL ${facts.versionText}`,
      ...plan.real.map(({ name, version }) => `its ${name} ${version}`),
    ],
    standIns: plan.played.map((name) => isPlainSql(name) ? `${name} (as plain SQL)` : name),
    leftOut: realtimeAdvice ? { realtime: realtimeAdvice } : {},
    own,
  };
}

/** Of these the package brings the real script: only the way it gets in is ours. */
function isPlainSql(name: string): boolean {
  return name === "pgmq" || name === "pgtap";
}

/** Which database a URL means, whoever logs in. */
function place(url: string): string {
  const { host, pathname } = new URL(url);
  return host + pathname;
}
