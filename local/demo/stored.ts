import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import type { ConnectedAccount } from "./connect.ts";
import { DemoError } from "./demo_error.ts";
import type { DemoPlatform } from "./platforms.ts";
import { duration, grouped, type Screen } from "./screen.ts";

const typeNames = {
  long_video: "long videos",
  short_video: "shorts",
  reel: "reels",
  image: "pictures",
  carousel: "carousels",
  story: "stories",
};

const foundRow = z.object({ title: z.string(), total_count: z.number() });

const newestRow = z.object({
  social_account_id: z.string(),
  title: z.string(),
  published_at: z.string().nullable(),
  duration_seconds: z.number().nullable(),
  view_count: z.number().nullable(),
});

async function countOf(client: SupabaseClient, column?: string, value?: string): Promise<number> {
  const all = client.from("content_item").select("id", { count: "exact", head: true })
    .is("deleted_at", null);
  const { count, error } = await (column && value ? all.eq(column, value) : all);
  if (error) throw new DemoError(`What was stored cannot be counted: ${error.message}.`);
  return count ?? 0;
}

async function countsBy(
  client: SupabaseClient,
  column: string,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const counts = await Promise.all(
    Object.entries(values).map(async ([value, name]) =>
      `${grouped(await countOf(client, column, value))} ${name}`
    ),
  );
  return counts.filter((text) => !text.startsWith("0 ")).join(" · ");
}

/** What the owner's search answers, as words for the screen. */
async function searched(client: SupabaseClient, query: string): Promise<string> {
  const began = performance.now();
  const { data, error } = await client.rpc("search_own_content", { p_query: query, p_limit: 1 });
  if (error) throw new DemoError(`What was stored cannot be searched: ${error.message}.`);
  const found = z.array(foundRow).parse(data)[0];
  const took = duration(performance.now() - began);
  if (!found) return `“${query}” finds nothing (${took})`;
  return `“${query}” finds ${grouped(found.total_count)} items in ${took}, first ` +
    `“${shortened(found.title, 40).trimEnd()}”`;
}

function clock(seconds: number | null): string {
  if (seconds === null) return "";
  if (seconds === 0) return "live";
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length > length
    ? `${characters.slice(0, length - 1).join("")}…`
    : text.padEnd(length);
}

/** Shows what the owner finds in the database now. */
export async function showStored(
  client: SupabaseClient,
  accounts: ReadonlyMap<DemoPlatform, ConnectedAccount>,
  screen: Screen,
): Promise<void> {
  const total = await countOf(client);
  screen.step("Stored", `${grouped(total)} content items, read back through row level security`);
  const names = new Map(Array.from(accounts, ([{ label }, { id }]) => [id, label]));
  const by = [
    ["platform", "social_account_id", Object.fromEntries(names)],
    ["type", "content_type", typeNames],
    ["visibility", "visibility", { public: "public", unlisted: "unlisted", private: "private" }],
  ] as const;
  for (const [what, column, values] of by) {
    screen.more(`by ${what}: ${await countsBy(client, column, values)}`);
  }
  screen.more(`search: ${await searched(client, "beginners OR recipe")}`);
  const { data, error } = await client.from("content_item")
    .select("social_account_id, title, published_at, duration_seconds, view_count")
    .is("deleted_at", null)
    .order("published_at", { ascending: false, nullsFirst: false }).limit(5);
  if (error) throw new DemoError(`What was stored cannot be read: ${error.message}.`);
  screen.more("newest:");
  for (const item of z.array(newestRow).parse(data)) {
    const views = item.view_count === null ? "no view count" : `${grouped(item.view_count)} views`;
    screen.more(
      `  ${item.published_at?.slice(0, 10) ?? "(no date) "}  ` +
        `${(names.get(item.social_account_id) ?? "").padEnd(9)} ` +
        `${shortened(item.title, 44)} ${clock(item.duration_seconds).padStart(8)}  ${views}`,
    );
  }
}
