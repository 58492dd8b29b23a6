import assert from "node:assert/strict";
import { MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { serveFake } from "../testing/fake_server.ts";
import { createInstagram, type InstagramApi } from "./instagram.ts";
import { Media, normalizeMedia, pictureOf } from "./instagram_media.ts";
import type { NormalizedItem } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

const at = (graphUrl: string) => createInstagram(() => ({ graphUrl, graphVersion: "v26.0" }));
const normalize = (media: unknown) => normalizeMedia(Media.parse(media));

async function listAll(instagram: InstagramApi, token: string): Promise<NormalizedItem[]> {
  const items: NormalizedItem[] = [];
  let after: string | null = null;
  do {
    const page = await instagram.listMedia(token, after);
    items.push(...page.items);
    after = page.after;
  } while (after !== null);
  return items;
}

Deno.test("normalizeMedia() maps a reel to the keys of content_item", () => {
  assert.deepEqual(
    normalize({
      id: "17900000000000001",
      caption: "Fresh bread\n#Brot with @maya.cooks",
      media_type: "VIDEO",
      media_product_type: "REELS",
      media_url: "https://cdn.example/video.mp4",
      thumbnail_url: "https://cdn.example/still.jpg",
      permalink: "https://www.instagram.com/reel/abc/",
      shortcode: "abc",
      timestamp: "2026-01-02T03:04:05+0000",
      like_count: 0,
      comments_count: 2,
      is_shared_to_feed: true,
    }),
    {
      platform_content_id: "17900000000000001",
      content_type: "reel",
      title: "Fresh bread",
      description: "Fresh bread\n#Brot with @maya.cooks",
      url: "https://www.instagram.com/reel/abc/",
      thumbnail_url: null,
      duration_seconds: null,
      view_count: null,
      like_count: 0,
      comment_count: 2,
      tags: [],
      hashtags: ["brot"],
      mentions: ["maya.cooks"],
      media: [],
      category: null,
      published_at: "2026-01-02T03:04:05.000Z",
      visibility: "public",
      platform_data: {
        media_type: "VIDEO",
        media_product_type: "REELS",
        shortcode: "abc",
        is_shared_to_feed: true,
        alt_text: null,
      },
    },
  );
});

for (
  const [media_type, media_product_type, type] of [
    ["IMAGE", "FEED", "image"],
    ["CAROUSEL_ALBUM", "FEED", "carousel"],
    ["VIDEO", "FEED", "long_video"],
    ["VIDEO", "REELS", "reel"],
    ["VIDEO", "STORY", "story"],
    ["IMAGE", "STORY", "story"],
    ["SOMETHING_NEW", undefined, "post"],
  ] as const
) {
  Deno.test(`normalizeMedia() takes ${media_type} of ${media_product_type} for ${type}`, () => {
    assert.equal(normalize({ id: "1", media_type, media_product_type }).content_type, type);
  });
}

Deno.test("normalizeMedia() makes do with the id alone, and keeps hidden apart from zero", () => {
  const item = normalize({ id: "1" });
  assert.deepEqual(
    [item.title, item.thumbnail_url, item.like_count, item.comment_count, item.published_at],
    ["", null, null, null, null],
  );
});

Deno.test("pictureOf() shows a carousel by its first picture, and never by a film", () => {
  const children = {
    data: [
      { id: "2", media_type: "VIDEO", media_url: "film" },
      { id: "3", media_type: "IMAGE", media_url: "picture" },
    ],
  };
  const carousel = { id: "1", media_type: "CAROUSEL_ALBUM", children };
  assert.equal(pictureOf(Media.parse(carousel)), "picture");
  assert.equal(pictureOf(Media.parse({ id: "1", media_type: "VIDEO", media_url: "film" })), null);
  assert.equal(pictureOf(Media.parse({ ...carousel, thumbnail_url: "still" })), "still");
  const item = normalize(carousel);
  const part = { thumbnail_url: null };
  assert.deepEqual(item.media, [
    { ...part, platform_media_id: "2", media_type: "video", url: "film", position: 0 },
    { ...part, platform_media_id: "3", media_type: "image", url: "picture", position: 1 },
  ]);
});

Deno.test("listMedia() reads every page once, of every kind, in every script", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("some+120@example.com");
  const items = await listAll(at(`${meta.url}/instagram`), token);
  assert.equal(new Set(items.map((item) => item.platform_content_id)).size, 120);
  assert.deepEqual([...new Set(items.map((item) => item.content_type))].sort(), [
    "carousel",
    "image",
    "long_video",
    "reel",
  ]);
  const tags = new Set(items.flatMap((item) => item.hashtags));
  for (const tag of ["ラーメン", "أكل_بيتي", "घर_का_खाना", "홈카페", "vélo", "東京"]) {
    assert.ok(tags.has(tag), tag);
  }
  assert.ok(!tags.has("not_a_tag"));
  const calls = meta.world.requests.list("/instagram/v26.0/me/media", null, 0);
  assert.deepEqual(calls.map(({ query }) => [query.limit, query.access_token]), [
    ["50", undefined],
    ["50", undefined],
    ["50", undefined],
  ]);
});

Deno.test("listMedia() lives with double, missing, empty and bare entries", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("some+120@example.com");
  const instagram = at(`${meta.url}/instagram`);
  for (
    const [kind, length] of [["duplicate_item", 121], ["deleted_item", 119], [
      "empty_page",
      120,
    ], ["missing_fields", 120]] as const
  ) {
    await meta.fault({ kind });
    assert.equal((await listAll(instagram, token)).length, length, kind);
  }
  assert.deepEqual(await listAll(instagram, await meta.instagramToken("empty@example.com")), []);
});

Deno.test("listMedia() refuses an expired cursor as a bad request, for reading starts anew", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("some+120@example.com");
  const instagram = at(`${meta.url}/instagram`);
  const { after } = await instagram.listMedia(token, null);
  await meta.fault({ kind: "cursor_expired" });
  await assert.rejects(
    instagram.listMedia(token, after),
    (error) => error instanceof ProviderError && error.class === "invalid_input",
  );
});

Deno.test("listMedia() says how much of the limits is used, the fullest counting", async () => {
  const usage = (call_count: number, total_time: number) => ({ call_count, total_time });
  const cases: [HeadersInit, number | null][] = [
    [{}, null],
    [{ "x-app-usage": JSON.stringify(usage(10, 20)) }, 20],
    [{ "x-business-use-case-usage": JSON.stringify({ 1: [usage(76, 1)], 2: [usage(3, 4)] }) }, 76],
    [{
      "x-app-usage": JSON.stringify(usage(96, 0)),
      "x-business-use-case-usage": JSON.stringify({ 1: [usage(3, 4)] }),
    }, 96],
    [{ "x-app-usage": "what?" }, null],
  ];
  for (const [headers, percent] of cases) {
    await using server = serveFake(() => Response.json({ data: [] }, { headers }));
    const { usage_percent, after } = await at(server.url).listMedia("t", null);
    assert.deepEqual([usage_percent, after], [percent, null]);
  }
});
