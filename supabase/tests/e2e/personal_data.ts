/** A person about whom there is something to see in every table of the base core. */
import postgres from "postgres";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Person } from "./person.ts";

/** Every table with rows of one person's, and the column that says whose. */
export const ownTables = [
  ["users", "id"],
  ["user_role", "user_id"],
  ["user_setting", "user_id"],
  ["subscription", "user_id"],
  ["quota_usage_history", "user_id"],
  ["notification", "user_id"],
  ["audit_log", "user_id"],
] as const;

/** Signs somebody up who has used up a quota, has a past, and was told something. */
export async function aUserWithHistory(stack: StackInfo): Promise<{ owner: Person }> {
  const owner = await Person.signUp(stack);
  await inDatabase(stack, async (sql) => {
    await sql`
      insert into public.quota_usage_history (user_id, cycle_start, cycle_end, tier, syncs_used, max_syncs,
        ai_analyses_used, max_ai_analyses, seo_submissions_used, max_seo_submissions)
      values (${owner.id}, now() - interval '2 months', now() - interval '1 month', 'free', 9, 10, 1, 25, 0, 0)`;
    await sql`
      update public.subscription
      set syncs_used = (select max_syncs from public.subscription_tier where name = 'free')
      where user_id = ${owner.id}`;
    await notify(sql, owner, "A quota is used up");
    await sql`select private.write_audit(${owner.id}, 'profile.completed')`;
  });
  return { owner };
}

/** All that stands about a person, as they read it. */
export async function everything({ client }: Person): Promise<unknown[]> {
  return await Promise.all(ownTables.map(async ([table]) => {
    const { data } = await client.from(table).select("*").throwOnError();
    return data;
  }));
}

/** Tells a person something, as the database's own functions do. */
export async function notify(sql: postgres.Sql, person: Person, title: string): Promise<string> {
  const [row] = await sql`
    select private.notify(${person.id}, 'quota_reset', ${title}, 'A new cycle has begun.', '{"n": 1}') as id`;
  return row!.id;
}

/** With a connection of the migrations' role, which no frontend has. */
export async function inDatabase<T>(
  stack: StackInfo,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
