import type postgres from "postgres";
import { noteSchema } from "./server_facts.ts";

type Sql = postgres.Sql | postgres.TransactionSql;

/** What somebody has said about JIT, in a word of SQL; null = nothing. */
interface JitSetting {
  /** What says it, as `alter` names it. */
  readonly subject: string;
  readonly jit: string | null;
}

/**
 * Notes what the first migration is about to change: it switches JIT off for the database or, where
 * postgres may not do that, for itself.
 */
export async function noteSettings(sql: postgres.TransactionSql): Promise<void> {
  await sql.unsafe(
    `create table ${noteSchema}.jit_setting (subject text primary key, jit text)`,
  );
  await sql`insert into ${sql(noteSchema)}.jit_setting ${sql(await readSettings(sql))}`;
}

/** Puts back what was noted; what somebody has switched on since stays. */
export async function restoreSettings(sql: postgres.TransactionSql): Promise<void> {
  const [{ exists }] = await sql<[{ exists: boolean }]>`
    select to_regclass(${`${noteSchema}.jit_setting`}) is not null as exists`;
  // Claimed by an earlier release.
  if (!exists) return;
  const noted = await sql<JitSetting[]>`select subject, jit from ${sql(noteSchema)}.jit_setting`;
  const now = await readSettings(sql);
  for (const { subject, jit } of noted) {
    if (now.find((one) => one.subject === subject)?.jit !== "off") continue;
    await sql.unsafe(`alter ${subject} ${jit === null ? "reset jit" : `set jit = '${jit}'`}`);
  }
}

async function readSettings(sql: Sql): Promise<JitSetting[]> {
  return await sql<JitSetting[]>`
    select subject, (
      select split_part(line, '=', 2) from pg_db_role_setting, unnest(setconfig) as line
      where setdatabase = database_id and setrole = role_id and line like 'jit=%'
    ) as jit
    from (
      select format('database %I', datname) as subject, oid as database_id, 0::oid as role_id
      from pg_database where datname = current_database()
      union all
      select 'role postgres', 0::oid, oid from pg_roles where rolname = 'postgres'
    ) as one`;
}
