import * as z from "zod";
import { findHashtags, findMentions } from "./caption.ts";
import type { NormalizedItem } from "./platform.ts";

const Count = z.number().int().nonnegative().optional();

/** The fields of a post that we store. */
export const Video = z.object({
  /** An int64: as a number it would be another one. */
  id: z.string().min(1),
  /** Seconds. */
  create_time: z.number().optional(),
  title: z.string().default(""),
  video_description: z.string().default(""),
  duration: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  share_url: z.string().optional(),
  like_count: Count,
  comment_count: Count,
  share_count: Count,
  view_count: Count,
});

/** The names to ask for. */
export const VIDEO_FIELDS = Object.keys(Video.shape).join(",");

const SHORT_MAX_SECONDS = 180;

/** A post in the shape that the content module stores. The API shows public posts only. */
export function normalizeTikTokVideo(video: z.infer<typeof Video>): NormalizedItem {
  const { title, video_description, width, height } = video;
  // The description stops at 150 characters; the title often is the whole caption.
  const caption = title.length > video_description.length ? title : video_description;
  const duration = video.duration || null;
  return {
    platform_content_id: video.id,
    content_type: duration !== null && duration > SHORT_MAX_SECONDS ? "long_video" : "short_video",
    title: title || video_description,
    description: caption,
    url: withoutQuery(video.share_url) ?? `https://www.tiktok.com/embed/v2/${video.id}`,
    // A cover's address is signed anew at each call and dead after hours: stored it would only be a change.
    thumbnail_url: null,
    duration_seconds: duration,
    view_count: video.view_count ?? null,
    like_count: video.like_count ?? null,
    comment_count: video.comment_count ?? null,
    tags: [],
    hashtags: findHashtags(caption),
    mentions: findMentions(caption),
    media: [],
    category: null,
    published_at: video.create_time === undefined
      ? null
      : new Date(video.create_time * 1000).toISOString(),
    visibility: "public",
    platform_data: {
      share_count: video.share_count ?? null,
      width: width ?? null,
      height: height ?? null,
    },
  };
}

/** What follows the question mark says who shared, not what. */
function withoutQuery(address: string | undefined): string | null {
  const url = address ? URL.parse(address) : null;
  return url && `${url.origin}${url.pathname}`;
}
