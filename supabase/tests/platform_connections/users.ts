/** Users with channels, for tests that need several connections to the database. */
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();

/** Connections of its own and users that are gone afterwards. */
export async function withUsers(
  count: number,
  run: (sql: postgres.Sql, users: string[]) => Promise<void>,
  connections = 8,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: connections, onnotice: () => {} });
  const users = Array.from({ length: count }, () => crypto.randomUUID());
  try {
    for (const id of users) {
      await sql`insert into auth.users (id, email) values (${id}, ${`${id}@tests.invalid`})`;
    }
    await run(sql, users);
  } finally {
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
}

/** A callback's last step, for a YouTube channel. */
export const connect = (sql: postgres.Sql, user: string, channel: string, refreshToken: string) =>
  sql<{ id: string }[]>`
    select public.connect_platform_account(
      ${user}, 'youtube', ${sql.json({ platform_account_id: channel })},
      ${sql.json({ access_token: `at-${refreshToken}`, refresh_token: refreshToken })},
      '{read}', now() + interval '1 hour') as id`;

/** The code that a call was refused with, or what else went wrong with it. */
export function hintOf(result: PromiseSettledResult<unknown>): string | undefined {
  if (result.status === "fulfilled") return undefined;
  const { hint, message } = result.reason as postgres.PostgresError;
  return hint ?? message;
}
