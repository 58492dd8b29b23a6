import type postgres from "postgres";
import { parseDatabaseUrl, withoutPassword } from "./database_url.ts";
import { type Item, summary } from "./inventory.ts";
import { madeItems } from "./notes.ts";
import { taskFor } from "../stack/info.ts";
import { connectTo } from "./open.ts";
import type { Claimant } from "./problem.ts";
import { noteSchema } from "./server_facts.ts";
import type { OwnDatabase } from "./secrets_file.ts";
import { restoreSettings } from "./settings.ts";

/** What a reset of a stack on a database of one's own needs to hear. */
export interface GiveBackOptions {
  /** The name of the database, said by the person who resets: without it nothing is dropped. */
  readonly confirmed: string | null;
  readonly tell: (line: string) => void;
}

/**
 * Drops from somebody's database what the stack made there, all of it or nothing, then its roles.
 * True when it is done; false, with a list of what would go, as long as nobody confirmed.
 */
export async function giveBack(
  { url: text }: OwnDatabase,
  claimant: Claimant,
  { confirmed, tell }: GiveBackOptions,
): Promise<boolean> {
  const url = parseDatabaseUrl(text);
  const name = decodeURIComponent(url.pathname.slice(1));
  const admin = await connectTo(url);
  try {
    const items = await ownItems(admin, claimant);
    if (items.length === 0) return true;
    if (confirmed !== name) {
      for (const item of items) tell(`  ${item.kind} ${item.identity}`);
      tell(`These were made in ${withoutPassword(url)}: ${summary(items)}, with all rows in them.`);
      tell(
        `To drop them, say the name of the database: ${
          taskFor("reset", claimant.stack)
        } --drop-from=${name}`,
      );
      return false;
    }
    await admin.begin((sql) => dropAll(sql, items));
    const kept = await dropRoles(admin, items);
    tell(`Dropped from ${withoutPassword(url)}: ${summary(items)}.`);
    for (const role of kept) tell(`Role ${role} stays: something outside of this database is its.`);
    return true;
  } finally {
    await admin.end({ timeout: 1 });
  }
}

async function ownItems(admin: postgres.Sql, claimant: Claimant): Promise<Item[]> {
  const [{ exists }] = await admin<[{ exists: boolean }]>`
    select to_regclass(${`${noteSchema}.claim`}) is not null as exists`;
  if (!exists) return [];
  const [claim] = await admin<{ stack: string; folder: string }[]>`
    select stack, folder from ${admin(noteSchema)}.claim`;
  // Another stack has taken the database since: nothing in it is ours any more.
  if (claim?.stack !== claimant.stack || claim.folder !== claimant.folder) return [];
  return await madeItems(admin);
}

/** How a kind of thing goes, in this order; every other kind by `drop <kind>`, before the last ones. */
const first = ["job", "event trigger", "publication", "view", "materialized view", "table"];
const last = [
  "default rights of role",
  "general default rights of role",
  "settings of role",
  "role",
];

async function dropAll(sql: postgres.TransactionSql, items: readonly Item[]): Promise<void> {
  const rank = ({ kind }: Item) =>
    first.includes(kind) ? first.indexOf(kind) : first.length + 1 + last.indexOf(kind);
  for (const { kind, identity } of [...items].sort((a, b) => rank(a) - rank(b))) {
    const role = identity;
    if (kind === "job") {
      await sql`select cron.unschedule(jobid) from cron.job where jobid = ${identity}`;
    } else if (kind === "default rights of role") {
      for (const objects of ["tables", "sequences", "functions"]) {
        await sql.unsafe(
          `alter default privileges for role ${role} in schema public revoke all on ${objects} from postgres`,
        );
      }
    } else if (kind === "general default rights of role") {
      // Rights that say what holds without them are no rights: the server forgets the entry.
      await sql.unsafe(
        `alter default privileges for role ${role} grant execute on functions to public`,
      );
    } else if (kind === "settings of role") {
      await sql.unsafe(`alter role ${role} in database ${await databaseName(sql)} reset all`);
    } else if (kind === "role") {
      // What somebody else made in the role's name stays, with the superuser as owner.
      await sql.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}`).simple();
    } else await sql.unsafe(`drop ${kind} if exists ${identity} cascade`);
  }
  await restoreSettings(sql);
  await sql.unsafe(`drop schema ${noteSchema} cascade`);
}

async function databaseName(sql: postgres.TransactionSql): Promise<string> {
  const [row] = await sql<[{ name: string }]>`select quote_ident(current_database()) as name`;
  return row.name;
}

/** A role that another database needs cannot be dropped: its name is returned. */
async function dropRoles(admin: postgres.Sql, items: readonly Item[]): Promise<string[]> {
  const kept: string[] = [];
  for (const { identity } of items.filter(({ kind }) => kind === "role")) {
    await admin.unsafe(`drop role if exists ${identity}`).catch((error: unknown) => {
      if (!(error instanceof Error) || !("code" in error) || error.code !== "2BP01") throw error;
      kept.push(identity);
    });
  }
  return kept;
}
