/** A database of a test's own on the shared server: what it does to all jobs there are disturbs nobody else. */
import postgres from "postgres";
import { migrate, readMigrations } from "../../local/migrations/migrate.ts";
import { applyPlatform } from "../../local/platform/apply.ts";
import { readStack } from "../../local/stack/client.ts";

/** Makes the database with the platform and our migrations, runs the test and drops it. */
export async function withOwnDatabase(
  prefix: string,
  run: (database: string) => Promise<void>,
): Promise<void> {
  const { admin_db_url, db_url } = await readStack();
  const database = `${prefix}_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const connect = (url: string, options: { database?: string } = {}) =>
    postgres(url, { max: 1, onnotice: () => {}, ...options });
  const server = connect(admin_db_url);
  await server.unsafe(`create database ${database} owner postgres`);
  try {
    const admin = connect(admin_db_url, { database });
    await applyPlatform(admin).finally(() => admin.end());
    const owner = connect(db_url, { database });
    await migrate(owner, await readMigrations()).finally(() => owner.end());
    await run(database);
  } finally {
    await server.unsafe(`drop database ${database} with (force)`);
    await server.end();
  }
}
