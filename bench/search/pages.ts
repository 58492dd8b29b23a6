import type { Sql } from "postgres";

const size = 50;

type Item = Record<string, unknown>;
/** Makes a page of one kind out of what the account has. */
export type MakePage = (sql: Sql, account: string) => Promise<Item[]>;

/** Pages as a sync sends them, by what they bring. */
export const pages: Record<string, MakePage> = {
  "a page of 50, all new": async (sql, account) =>
    (await stored(sql, account)).map((item, n) => ({ ...item, platform_content_id: `new-${n}` })),
  "a page of 50, unchanged": stored,
  "a page of 50, new counts": async (sql, account) =>
    (await stored(sql, account)).map((item) => ({ ...item, view_count: 12_345_678 })),
  "a page of 50, new titles": async (sql, account) =>
    (await stored(sql, account)).map((item) => ({ ...item, title: `${item.title} again` })),
  "a page of 50, one cannot be stored": async (sql, account) =>
    (await stored(sql, account)).map((item, n) =>
      n === 25 ? { ...item, duration_seconds: -1 } : item
    ),
};

/**
 * Items of the account side by side in time, as platforms list them, from a place that moves, so
 * that not the same ones are in the cache.
 */
async function stored(sql: Sql, account: string): Promise<Item[]> {
  const rows = await sql<{ item: Item }[]>`
    select to_jsonb(own) - 'id' - 'search_vector' as item
    from public.content_item as own
    where social_account_id = ${account}
    order by published_at desc
    offset (
      select floor(random() * (count(*) - ${size})) from public.content_item
      where social_account_id = ${account})
    limit ${size}`;
  return rows.map(({ item }) => item);
}
