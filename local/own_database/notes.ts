import type postgres from "postgres";
import { added, type Item, takeInventory } from "./inventory.ts";
import type { Claimant } from "./problem.ts";
import { noteSchema } from "./server_facts.ts";
import { noteSettings } from "./settings.ts";

/**
 * Marks a database as this stack's and notes what was there before; repeatable. From then on only
 * what is noted as made is ever dropped.
 */
export async function claimDatabase(admin: postgres.Sql, claimant: Claimant): Promise<void> {
  await admin.begin(async (sql) => {
    const found = await takeInventory(sql);
    await sql.unsafe(`
      create schema if not exists ${noteSchema};
      revoke all on schema ${noteSchema} from public;
      comment on schema ${noteSchema} is
        'What StreamVibe''s local stack made in this database; deno task reset reads it.';
      create table if not exists ${noteSchema}.claim (
        stack text not null,
        folder text not null,
        claimed_at timestamptz not null default now(),
        is_complete boolean not null default false
      );
      create table if not exists ${noteSchema}.item (
        kind text not null,
        identity text not null,
        was_there boolean not null,
        primary key (kind, identity)
      );
    `).simple();
    const [claimed] = await sql`select from ${sql(noteSchema)}.claim`;
    if (claimed) return;
    await sql`insert into ${sql(noteSchema)}.claim ${sql({ ...claimant })}`;
    await note(sql, found, true);
    await noteSettings(sql);
  });
}

/**
 * Does some work and notes what it made. A first start that was interrupted counts from the state
 * before it: nobody else had reason to add anything meanwhile.
 */
export async function notingWhatIsMade(
  admin: postgres.Sql,
  work: () => Promise<void>,
): Promise<readonly Item[]> {
  const [claim] = await admin<{ is_complete: boolean }[]>`
    select is_complete from ${admin(noteSchema)}.claim`;
  const before = claim?.is_complete ? await takeInventory(admin) : [];
  await work();
  const made = added([...before, ...await noted(admin)], await takeInventory(admin));
  await admin.begin(async (sql) => {
    await note(sql, made, false);
    await sql`update ${sql(noteSchema)}.claim set is_complete = true`;
  });
  return made;
}

/** What was made here and has to go at a reset. */
export async function madeItems(admin: postgres.Sql): Promise<Item[]> {
  const [{ exists }] = await admin<[{ exists: boolean }]>`
    select to_regclass(${`${noteSchema}.item`}) is not null as exists`;
  if (!exists) return [];
  const [claim] = await admin<{ is_complete: boolean }[]>`
    select is_complete from ${admin(noteSchema)}.claim`;
  // A first start that was interrupted has noted nothing yet.
  if (!claim?.is_complete) return added(await noted(admin), await takeInventory(admin));
  return await admin<Item[]>`
    select kind, identity from ${admin(noteSchema)}.item where not was_there`;
}

async function noted(sql: postgres.Sql): Promise<Item[]> {
  return await sql<Item[]>`select kind, identity from ${sql(noteSchema)}.item`;
}

async function note(
  sql: postgres.TransactionSql,
  items: readonly Item[],
  was_there: boolean,
): Promise<void> {
  if (items.length === 0) return;
  await sql`
    insert into ${sql(noteSchema)}.item (kind, identity, was_there)
    select kind, identity, ${was_there}
    from jsonb_to_recordset(${sql.json(items as never)}) as item (kind text, identity text)
    on conflict do nothing`;
}
