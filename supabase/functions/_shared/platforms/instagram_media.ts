import * as z from "zod";
import { findHashtags, findMentions, titleOf } from "./caption.ts";
import { toIso } from "./meta_page.ts";
import type { MediaPart, NormalizedItem } from "./platform.ts";

const Child = z.object({
  id: z.string().min(1),
  media_type: z.string().optional(),
  media_url: z.string().optional(),
  thumbnail_url: z.string().optional(),
});

/** The fields that are asked for, and those of children. */
export const MEDIA_FIELDS = "id,caption,media_type,media_product_type,media_url,thumbnail_url," +
  "permalink,shortcode,timestamp,username,like_count,comments_count,is_shared_to_feed,alt_text," +
  "children{id,media_type,media_url,thumbnail_url}";

/** A media as we store it. Hidden counts, and addresses of what others hold rights in, are absent. */
export const Media = Child.extend({
  caption: z.string().default(""),
  media_product_type: z.string().optional(),
  permalink: z.string().optional(),
  shortcode: z.string().optional(),
  timestamp: z.string().optional(),
  like_count: z.number().optional(),
  comments_count: z.number().optional(),
  is_shared_to_feed: z.boolean().optional(),
  alt_text: z.string().optional(),
  children: z.object({ data: z.array(Child) }).optional(),
});

type Media = z.infer<typeof Media>;

/** A media in the shape that the content module stores. */
export function normalizeMedia(media: Media): NormalizedItem {
  const { caption } = media;
  const children = media.children?.data ?? [];
  return {
    platform_content_id: media.id,
    content_type: typeOf(media),
    title: titleOf(caption),
    description: caption,
    url: media.permalink ?? "https://www.instagram.com/",
    // Signed anew at each call and dead after days: stored it would only be a change. See pictureOf().
    thumbnail_url: null,
    // Neither length nor views are among a media's own fields.
    duration_seconds: null,
    view_count: null,
    like_count: media.like_count ?? null,
    comment_count: media.comments_count ?? null,
    tags: [],
    hashtags: findHashtags(caption),
    mentions: findMentions(caption),
    media: children.map(partOf),
    category: null,
    published_at: toIso(media.timestamp),
    // Professional accounts cannot be private.
    visibility: "public",
    platform_data: {
      media_type: media.media_type ?? null,
      media_product_type: media.media_product_type ?? null,
      shortcode: media.shortcode ?? null,
      is_shared_to_feed: media.is_shared_to_feed ?? null,
      alt_text: media.alt_text ?? null,
    },
  };
}

function partOf(child: z.infer<typeof Child>, position: number): MediaPart {
  return {
    platform_media_id: child.id,
    media_type: child.media_type === "VIDEO" ? "video" : "image",
    // Absent where somebody else holds the rights.
    url: child.media_url ?? null,
    thumbnail_url: child.thumbnail_url ?? null,
    position,
  };
}

/** A reel is a video whose product says so, never its type; other videos are from before 2022. */
function typeOf({ media_type, media_product_type }: Media): NormalizedItem["content_type"] {
  if (media_product_type === "STORY") return "story";
  if (media_type === "CAROUSEL_ALBUM") return "carousel";
  if (media_type === "IMAGE") return "image";
  if (media_type === "VIDEO") return media_product_type === "REELS" ? "reel" : "long_video";
  return "post";
}

/** Where the picture of a media, or of its first child that has one, can be fetched in the next days. */
export function pictureOf(media: Media): string | null {
  const pictures = [media, ...media.children?.data ?? []].map((one) =>
    one.thumbnail_url ?? (one.media_type === "IMAGE" ? one.media_url : undefined)
  );
  return pictures.find((url) => url !== undefined) ?? null;
}
