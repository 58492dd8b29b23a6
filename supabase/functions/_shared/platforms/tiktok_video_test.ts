import assert from "node:assert/strict";
import { TestTikTok } from "../../../../local/providers/tiktok/testing.ts";
import type { NormalizedItem } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import { createTikTok } from "./tiktok.ts";
import { normalizeTikTokVideo, Video } from "./tiktok_video.ts";

/** Everything, page by page. */
async function readAll(tiktok: TestTikTok, token: string): Promise<NormalizedItem[]> {
  const api = createTikTok(() => `${tiktok.url}/tiktok`);
  const items: NormalizedItem[] = [];
  let cursor: number | null = null;
  do {
    const page = await api.listVideos(token, cursor);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

Deno.test("listVideos() reads every post once, over short and empty pages", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("one+1000@example.com");
  const items = await readAll(tiktok, access_token);
  assert.equal(items.length, 1000);
  assert.equal(new Set(items.map((item) => item.platform_content_id)).size, 1000);
  assert.deepEqual(await readAll(tiktok, access_token), items, "and the same the next time");
});

Deno.test("listVideos() does not follow a cursor that does not move", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn();
  await tiktok.fault({ kind: "stuck_cursor", skip: 1 });
  await assert.rejects(
    readAll(tiktok, access_token),
    (error) => error instanceof ProviderError && error.reason === "stuck_cursor",
  );
});

Deno.test("listVideos() goes on after a page that is empty although there is more", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("one+45@example.com");
  await tiktok.fault({ kind: "empty_page", count: 2 });
  assert.equal((await readAll(tiktok, access_token)).length, 45);
});

Deno.test("listVideos() takes missing fields for unknown", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("one+1@example.com");
  await tiktok.fault({ kind: "missing_fields" });
  const [item] = await readAll(tiktok, access_token);
  assert.deepEqual(
    [item!.title, item!.view_count, item!.duration_seconds, item!.url],
    ["", null, null, `https://www.tiktok.com/embed/v2/${item!.platform_content_id}`],
  );
});

const normalize = (change: Record<string, unknown>) =>
  normalizeTikTokVideo(Video.parse({ id: "7480000000000000123", ...change }));

Deno.test("a post keeps its id, has seconds made a date, and loses who shared it", () => {
  const item = normalize({
    create_time: 1_700_000_000,
    share_url: "https://www.tiktok.com/@a/video/7480000000000000123?utm_source=x",
    view_count: 0,
  });
  assert.equal(item.platform_content_id, "7480000000000000123");
  assert.equal(item.published_at, "2023-11-14T22:13:20.000Z");
  assert.equal(item.url, "https://www.tiktok.com/@a/video/7480000000000000123");
  assert.deepEqual([item.view_count, item.like_count, item.visibility], [0, null, "public"]);
});

Deno.test("the longer of title and description is the caption, and has the hashtags", () => {
  const item = normalize({ title: "Ramen #Food #日本 and more", video_description: "Ramen #Food" });
  assert.equal(item.description, "Ramen #Food #日本 and more");
  assert.deepEqual(item.hashtags, ["food", "日本"]);
  assert.equal(normalize({ video_description: "only this" }).title, "only this");
});

for (const [duration, kind] of [[15, "short_video"], [180, "short_video"], [181, "long_video"]]) {
  Deno.test(`a post of ${duration} s is a ${kind}`, () => {
    assert.equal(normalize({ duration }).content_type, kind);
  });
}
