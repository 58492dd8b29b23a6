import assert from "node:assert/strict";
import { normalizeVideo, Video } from "./youtube_video.ts";

function video(parts: Record<string, unknown> = {}) {
  return Video.parse({
    id: "dQw4w9WgXcQ",
    snippet: {
      title: "A walk #Travel",
      description: "Through Rome. #travel #Città https://x.example/#anchor &#39; #1",
      publishedAt: "2026-01-02T03:04:05Z",
      tags: ["rome", "walk"],
      categoryId: "19",
      thumbnails: { default: { url: "small" }, high: { url: "high" } },
    },
    contentDetails: { duration: "PT4M13S", definition: "hd", caption: "true" },
    statistics: { viewCount: "9007199254740991", likeCount: "0" },
    status: { privacyStatus: "unlisted", uploadStatus: "processed" },
    ...parts,
  });
}

Deno.test("normalizeVideo() maps a video to the keys of content_item", () => {
  const item = normalizeVideo(video());
  assert.deepEqual({ ...item, platform_data: undefined }, {
    platform_content_id: "dQw4w9WgXcQ",
    content_type: "long_video",
    title: "A walk #Travel",
    description: "Through Rome. #travel #Città https://x.example/#anchor &#39; #1",
    url: "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    thumbnail_url: "high",
    duration_seconds: 253,
    view_count: 9007199254740991,
    like_count: 0,
    comment_count: null,
    tags: ["rome", "walk"],
    hashtags: ["travel", "città"],
    mentions: [],
    media: [],
    category: "Travel & Events",
    published_at: "2026-01-02T03:04:05Z",
    visibility: "unlisted",
    platform_data: undefined,
  });
});

Deno.test("normalizeVideo() keeps hidden counts apart from zero", () => {
  const { view_count, like_count } = normalizeVideo(video({ statistics: undefined }));
  assert.deepEqual([view_count, like_count], [null, null]);
});

Deno.test("normalizeVideo() gives a live stream no duration", () => {
  const item = normalizeVideo(video({ contentDetails: { duration: "P0D" } }));
  assert.deepEqual([item.duration_seconds, item.content_type], [null, "long_video"]);
});

for (
  const [duration, title, type] of [
    ["PT45S", "Quick", "short_video"],
    ["PT2M", "Quick", "long_video"],
    ["PT2M", "Quick #Shorts", "short_video"],
    ["PT4M", "Long #shorts", "long_video"],
  ] as const
) {
  Deno.test(`normalizeVideo() guesses ${type} for ${duration} titled "${title}", and says it is a guess`, () => {
    const item = normalizeVideo(video({
      snippet: { title },
      contentDetails: { duration },
    }));
    assert.equal(item.content_type, type);
    assert.equal(item.platform_data.is_short_guess, type === "short_video");
    assert.equal(typeof item.platform_data.is_short_basis, "string");
  });
}
