import type { OfferedExtension, ServerFacts } from "./server_facts.ts";

/** Extensions we bring a stand-in, or the plain SQL, of. */
export const playableExtensions = ["pg_cron", "pg_net", "supabase_vault", "pgmq", "pgtap"] as const;

/** An extension that may be played. */
export type PlayableExtension = typeof playableExtensions[number];

/** True for the name of such an extension. */
export function isPlayable(name: string): name is PlayableExtension {
  return (playableExtensions as readonly string[]).includes(name);
}

/** Which extensions are the server's own, and which of ours step in. */
export interface ExtensionPlan {
  readonly real: readonly OfferedExtension[];
  readonly played: readonly PlayableExtension[];
}

/** What the server offers is used, but for what somebody wants played. */
export function planExtensions(
  { offered }: Pick<ServerFacts, "offered">,
  wantPlayed: readonly PlayableExtension[],
): ExtensionPlan {
  const real = offered.filter(({ name }) => isPlayable(name) && !wantPlayed.includes(name));
  const names = real.map(({ name }) => name);
  return { real, played: playableExtensions.filter((name) => !names.includes(name)) };
}

/** Needed as they are; Debian and others bring them with the server or as "contrib". */
const neededExtensions = [
  "pgcrypto",
  "pg_trgm",
  "btree_gin",
  "uuid-ossp",
  "pg_stat_statements",
] as const;

/** These do their work in a process of the server, which starts only when preloaded. */
const preloadedExtensions = ["pg_cron", "pg_net", "supabase_vault"] as const;

/** One sentence about what of the server's extensions cannot be used; null when all is well. */
export function extensionProblem(facts: ServerFacts, { real }: ExtensionPlan): string | null {
  const missing = neededExtensions.filter((name) => !facts.offered.some((e) => e.name === name));
  if (missing.length > 0) {
    return `The server lacks the extension ${missing.join(", ")}: install its contrib package.`;
  }
  const elsewhere = facts.offered.find(({ name, schema }) =>
    (neededExtensions as readonly string[]).includes(name) && schema !== null &&
    schema !== "extensions"
  );
  if (elsewhere) {
    return `The extension ${elsewhere.name} is in schema ${elsewhere.schema} of this database, and StreamVibe needs it in schema extensions: \`create schema extensions; alter extension "${elsewhere.name}" set schema extensions\`.`;
  }
  const unloaded = preloadedExtensions.filter((name) =>
    real.some((extension) => extension.name === name) && !facts.preloaded.includes(name)
  );
  if (unloaded.length > 0) {
    return `The server has ${
      unloaded.join(" and ")
    } but does not load it: add it to shared_preload_libraries and restart the server, or start with ${
      unloaded.map((name) => `--stand-in=${name}`).join(" ")
    }.`;
  }
  const usesCron = real.some(({ name }) => name === "pg_cron");
  if (usesCron && facts.cronDatabase !== facts.database) {
    return `pg_cron works in one database only, and on this server that is "${facts.cronDatabase}": name that one in --db-url, set cron.database_name = '${facts.database}' and restart the server, or start with --stand-in=pg_cron.`;
  }
  return null;
}
