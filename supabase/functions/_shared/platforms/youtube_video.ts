import * as z from "zod";
import { findHashtags, findMentions } from "./caption.ts";
import { parseIsoDuration } from "./iso_duration.ts";
import type { NormalizedItem } from "./platform.ts";

const Count = z.string().regex(/^\d+$/).optional();

/** The parts of a `videos` item that we store. Counts come as strings, hidden ones not at all. */
export const Video = z.object({
  id: z.string(),
  snippet: z.object({
    title: z.string(),
    description: z.string().default(""),
    publishedAt: z.string().optional(),
    tags: z.array(z.string()).default([]),
    categoryId: z.string().optional(),
    defaultLanguage: z.string().optional(),
    liveBroadcastContent: z.string().optional(),
    thumbnails: z.record(z.string(), z.object({ url: z.string() })).default({}),
  }),
  contentDetails: z.object({
    duration: z.string().optional(),
    definition: z.string().optional(),
    caption: z.string().optional(),
  }),
  statistics: z.object({
    viewCount: Count,
    likeCount: Count,
    commentCount: Count,
  }).default({}),
  status: z.object({
    uploadStatus: z.string().optional(),
    privacyStatus: z.enum(["public", "unlisted", "private"]),
    publishAt: z.string().optional(),
    madeForKids: z.boolean().optional(),
  }),
});

/** The categories a creator can choose; the list is the same in every region. */
const CATEGORIES: Record<string, string> = {
  1: "Film & Animation",
  2: "Autos & Vehicles",
  10: "Music",
  15: "Pets & Animals",
  17: "Sports",
  19: "Travel & Events",
  20: "Gaming",
  22: "People & Blogs",
  23: "Comedy",
  24: "Entertainment",
  25: "News & Politics",
  26: "Howto & Style",
  27: "Education",
  28: "Science & Technology",
  29: "Nonprofits & Activism",
};

const THUMBNAILS = ["maxres", "standard", "high", "medium", "default"];
const SHORT_MAX_SECONDS = 180;
const SHORT_SURE_SECONDS = 60;

/** A video in the shape that the content module stores. */
export function normalizeVideo(video: z.infer<typeof Video>): NormalizedItem {
  const { snippet, contentDetails, statistics, status } = video;
  // Live and upcoming videos have the duration P0D: none yet.
  const duration = parseIsoDuration(contentDetails.duration ?? "") || null;
  const text = `${snippet.title}\n${snippet.description}`;
  const hashtags = findHashtags(text);
  const short = guessShort(duration, hashtags);
  return {
    platform_content_id: video.id,
    content_type: short.guess ? "short_video" : "long_video",
    title: snippet.title,
    description: snippet.description,
    url: `https://www.youtube.com/watch?v=${encodeURIComponent(video.id)}`,
    thumbnail_url: THUMBNAILS.map((size) => snippet.thumbnails[size]?.url).find(Boolean) ?? null,
    duration_seconds: duration,
    view_count: toCount(statistics.viewCount),
    like_count: toCount(statistics.likeCount),
    comment_count: toCount(statistics.commentCount),
    tags: snippet.tags,
    hashtags,
    mentions: findMentions(text),
    media: [],
    category: CATEGORIES[snippet.categoryId ?? ""] ?? null,
    published_at: snippet.publishedAt ?? null,
    visibility: status.privacyStatus,
    platform_data: {
      category_id: snippet.categoryId ?? null,
      default_language: snippet.defaultLanguage ?? null,
      live_broadcast_content: snippet.liveBroadcastContent ?? null,
      definition: contentDetails.definition ?? null,
      has_captions: contentDetails.caption === "true",
      upload_status: status.uploadStatus ?? null,
      publish_at: status.publishAt ?? null,
      made_for_kids: status.madeForKids ?? null,
      is_short_guess: short.guess,
      is_short_basis: short.basis,
    },
  };
}

/** The API has no flag for Shorts: a guess, stored with what it rests on. */
function guessShort(duration: number | null, hashtags: string[]) {
  if (duration === null || duration > SHORT_MAX_SECONDS) return { guess: false, basis: "duration" };
  if (hashtags.includes("shorts")) return { guess: true, basis: "duration_and_hashtag" };
  return { guess: duration <= SHORT_SURE_SECONDS, basis: "duration" };
}

function toCount(count: string | undefined): number | null {
  return count === undefined ? null : Number(count);
}
