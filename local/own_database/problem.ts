import { type ExtensionPlan, extensionProblem } from "./extension_plan.ts";
import type { ServerFacts } from "./server_facts.ts";

/** The stack that wants to work on a database. */
export interface Claimant {
  readonly stack: string;
  readonly folder: string;
}

/** One sentence about why the stack will not work on this database; null when it will. */
export function problemWith(
  facts: ServerFacts,
  plan: ExtensionPlan,
  claimant: Claimant,
): string | null {
  const { versionText, role, database, claim } = facts;
  if (facts.version < 150_000) {
    return `PostgreSQL ${versionText} is too old: StreamVibe needs 15 or newer.`;
  }
  if (!facts.isSuperuser) {
    return `The role ${role} is no superuser, and one is needed to make roles, extensions and event triggers: name one in --db-url.`;
  }
  if (facts.encoding !== "UTF8") {
    return `The database "${database}" is kept in ${facts.encoding}, and StreamVibe needs UTF8.`;
  }
  if (facts.postgres === "superuser" && role !== "postgres") {
    return `Migrations run as role postgres, which is a superuser of this server: give its URL instead of that of ${role}.`;
  }
  if (!claim && facts.contents.length > 0) {
    return `The database "${database}" is not empty (${facts.contents.slice(0, 3).join(", ")}${
      facts.contents.length > 3 ? ", …" : ""
    }) and was not made by this stack: give it one of its own, with \`create database streamvibe\`.`;
  }
  if (claim && (claim.stack !== claimant.stack || claim.folder !== claimant.folder)) {
    return `The database "${database}" belongs to the stack "${claim.stack}" (${claim.folder}): start that one, or give this one another database.`;
  }
  return extensionProblem(facts, plan);
}

/** What to do so that Realtime can follow the database; null when it can. */
export function realtimeAdvice({ walLevel }: Pick<ServerFacts, "walLevel">): string | null {
  if (walLevel === "logical") return null;
  return `the server keeps its log at wal_level = ${walLevel}: \`alter system set wal_level = 'logical'\`, restart the server, and start the stack again`;
}
