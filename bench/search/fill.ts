import type { Sql } from "postgres";
import { seededRandom, vocabulary, zipf } from "./words.ts";

/** Items of the largest owner; the n-th has the n-th part of it. */
const largest = 20_000;
const chunk = 2_000;
/** What one call of a sync saves. */
const page = 50;
const platforms = ["youtube", "instagram", "tiktok"] as const;
const kinds = ["long_video", "short_video", "image", "carousel", "reel", "post"] as const;

/** The account of the owner who has most. */
export const largestAccount = accountId(1);

/** Fills the database with `count` items of owners of all sizes; the indexes are built at the end. */
export async function fill(sql: Sql, count: number): Promise<void> {
  const random = seededRandom(7);
  const sizes = ownerSizes(count);
  const makeItem = itemMaker(sizes, random);
  await addOwners(sql, sizes.length);
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index join pg_class on oid = indexrelid
    where indrelid = 'public.content_item'::regclass and relam = (select oid from pg_am where amname = 'gin')`;
  for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
  const owners = ownersInOrder(sizes, random);
  for (let first = 0; first < owners.length; first += chunk) {
    const items = owners.slice(first, first + chunk).map((owner, n) => makeItem(owner, first + n));
    await sql`
      insert into public.content_item (user_id, social_account_id, platform_content_id, content_type,
        title, description, tags, hashtags, published_at, visibility, view_count)
      select user_id, social_account_id, platform_content_id, content_type, title, description, tags,
        hashtags, published_at, visibility, view_count
      from jsonb_populate_recordset(null::public.content_item, ${sql.json(items)})`;
  }
  for (const { definition } of indexes) await sql.unsafe(definition);
  await sql`vacuum analyze`;
}

/** Makes one item after the other; those of an owner get older. */
function itemMaker(sizes: readonly number[], random: () => number) {
  const words = vocabulary(30_000, random);
  const tags = vocabulary(3_000, random);
  // Platforms list the newest first, and so a first sync stores them.
  const saved = sizes.map(() => 0);
  const publishedAt = (owner: number) => {
    const age = (saved[owner - 1]!++ + random()) / sizes[owner - 1]!;
    return new Date(1.76e12 - age * 1.6e11).toISOString();
  };
  const text = (fewest: number, most: number, from = words) =>
    Array.from(
      { length: fewest + Math.floor(random() * (most - fewest)) },
      () => zipf(from, random),
    );
  return (owner: number, n: number) => ({
    user_id: userId(owner),
    social_account_id: accountId(owner),
    platform_content_id: `item-${n}`,
    content_type: kinds[Math.floor(random() * kinds.length)]!,
    title: text(3, 10).join(" "),
    description: text(5, 120).join(" "),
    tags: text(0, 10, tags),
    hashtags: text(0, 5, tags),
    published_at: publishedAt(owner),
    visibility: "public",
    view_count: Math.floor(random() * 1e6),
  });
}

/** Whose each item is, as syncs leave them: page beside page, of all owners, in the order they came. */
function ownersInOrder(sizes: readonly number[], random: () => number): number[] {
  const pages = sizes.flatMap((size, n) =>
    Array.from({ length: Math.ceil(size / page) }, (_, at) => ({
      owner: n + 1,
      size: Math.min(page, size - at * page),
    }))
  );
  shuffle(pages, random);
  return pages.flatMap(({ owner, size }) => Array.from({ length: size }, () => owner));
}

function ownerSizes(count: number): number[] {
  const sizes: number[] = [];
  for (let left = count; left > 0;) {
    const size = Math.min(left, Math.max(1, Math.floor(largest / (sizes.length + 1))));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

async function addOwners(sql: Sql, count: number): Promise<void> {
  await sql`
    insert into auth.users (id, email)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'bench-' || n || '@bench.invalid'
    from generate_series(1, ${count}::int) as n`;
  await sql`
    insert into public.social_account (id, user_id, platform_name, platform_account_id)
    select ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
      ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
      (${[...platforms]}::text[])[1 + n % ${platforms.length}::int], 'bench-' || n
    from generate_series(1, ${count}::int) as n`;
}

function userId(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
}

function accountId(n: number): string {
  return `00000000-0000-4000-9000-${n.toString(16).padStart(12, "0")}`;
}

function shuffle<T>(all: T[], random: () => number): void {
  for (let i = all.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
}
