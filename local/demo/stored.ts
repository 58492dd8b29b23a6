import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { DemoError } from "./demo_error.ts";
import { grouped, type Screen } from "./screen.ts";

const newestRow = z.object({
  title: z.string(),
  published_at: z.string().nullable(),
  duration_seconds: z.number().nullable(),
  view_count: z.number().nullable(),
});

async function countOf(
  client: SupabaseClient,
  account: string,
  column?: string,
  value?: string,
): Promise<number> {
  const all = client.from("content_item").select("id", { count: "exact", head: true })
    .eq("social_account_id", account);
  const { count, error } = await (column && value ? all.eq(column, value) : all);
  if (error) throw new DemoError(`What was stored cannot be counted: ${error.message}.`);
  return count ?? 0;
}

async function countsBy(
  client: SupabaseClient,
  account: string,
  column: string,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const counts = await Promise.all(
    Object.entries(values).map(async ([value, name]) =>
      `${grouped(await countOf(client, account, column, value))} ${name}`
    ),
  );
  return counts.filter((text) => !text.startsWith("0 ")).join(" · ");
}

function clock(seconds: number | null): string {
  if (!seconds) return "live";
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
  account: string,
  screen: Screen,
): Promise<void> {
  const total = await countOf(client, account);
  screen.step("Stored", `${grouped(total)} content items, read back through row level security`);
  screen.more(
    `by type: ${await countsBy(client, account, "content_type", {
      long_video: "long videos",
      short_video: "shorts",
    })}`,
  );
  screen.more(
    `by visibility: ${await countsBy(client, account, "visibility", {
      public: "public",
      unlisted: "unlisted",
      private: "private",
    })}`,
  );
  const { data, error } = await client.from("content_item")
    .select("title, published_at, duration_seconds, view_count")
    .eq("social_account_id", account)
    .order("published_at", { ascending: false }).limit(5);
  if (error) throw new DemoError(`What was stored cannot be read: ${error.message}.`);
  screen.more("newest:");
  for (const video of z.array(newestRow).parse(data)) {
    const views = video.view_count === null ? "views hidden" : `${grouped(video.view_count)} views`;
    screen.more(
      `  ${video.published_at?.slice(0, 10) ?? "(no date) "}  ` +
        `${shortened(video.title, 56)} ${clock(video.duration_seconds).padStart(8)}  ${views}`,
    );
  }
}
