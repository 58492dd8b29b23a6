import postgres from "postgres";
import { asRole, parseDatabaseUrl, unreachableSentence } from "./database_url.ts";
import { type ExtensionPlan, planExtensions, type PlayableExtension } from "./extension_plan.ts";
import { type Claimant, problemWith, realtimeAdvice } from "./problem.ts";
import { keepOwnDatabase, type OwnDatabase } from "./secrets_file.ts";
import { readServerFacts, type ServerFacts } from "./server_facts.ts";

/** A database of one's own that the stack can work on. */
export interface UsableDatabase {
  readonly kept: OwnDatabase;
  readonly facts: ServerFacts;
  readonly plan: ExtensionPlan;
  /** As the superuser, as postgres, and as the role Auth and data API log in as. */
  readonly urls: { readonly admin: string; readonly postgres: string; readonly api: string };
  /** Why Realtime cannot run, and what to do; null when it can. */
  readonly realtimeAdvice: string | null;
}

/** One connection; throws a sentence when there is none. */
export async function connectTo(url: URL): Promise<postgres.Sql> {
  const sql = postgres(url.href, { max: 1, onnotice: () => {}, connect_timeout: 5 });
  try {
    await sql`select`;
    return sql;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw new Error(unreachableSentence(url, error));
  }
}

/** Looks at the database `--db-url` names, without changing anything; throws one clear sentence. */
export async function openOwnDatabase(
  text: string,
  played: readonly PlayableExtension[],
  claimant: Claimant,
): Promise<UsableDatabase> {
  const url = parseDatabaseUrl(text);
  const sql = await connectTo(url);
  let facts: ServerFacts;
  try {
    facts = await readServerFacts(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
  const plan = planExtensions(facts, played);
  const problem = problemWith(facts, plan, claimant);
  if (problem) throw new Error(problem);

  const kept = await keepOwnDatabase(claimant.folder, url.href);
  return {
    kept,
    facts,
    plan,
    urls: {
      admin: url.href,
      postgres: await urlOfPostgres(url, facts, kept),
      api: asRole(url, "supabase_lite", kept.api_password),
    },
    realtimeAdvice: realtimeAdvice(facts),
  };
}

/** Migrations and functions work as postgres: that of the URL, that of the server, or one we make. */
async function urlOfPostgres(url: URL, facts: ServerFacts, kept: OwnDatabase): Promise<string> {
  if (facts.role === "postgres") return url.href;
  const ours = asRole(url, "postgres", kept.postgres_password);
  if (facts.postgres === "absent") return ours;
  // Made by an earlier start, or there before us with the same password, as in Supabase's image.
  for (const candidate of [ours, asRole(url, "postgres", decodeURIComponent(url.password))]) {
    const sql = await connectTo(new URL(candidate)).catch(() => null);
    await sql?.end({ timeout: 1 });
    if (sql) return candidate;
  }
  throw new Error(
    `The server has a role postgres whose password is not that of ${facts.role}: set it with \`alter role postgres password '…'\` to the one in --db-url.`,
  );
}
