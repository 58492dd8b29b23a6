import * as z from "zod";
import { findHashtags, findMentions, titleOf } from "./caption.ts";
import { toIso } from "./meta_page.ts";
import type { NormalizedItem } from "./platform.ts";

const Counted = z.object({
  summary: z.object({ total_count: z.number().optional() }).optional(),
}).optional();

/** The fields that are asked for. */
export const POST_FIELDS = "id,message,story,created_time,permalink_url,full_picture,status_type," +
  "is_published,shares,attachments{media_type,type,url},likes.summary(true).limit(0)," +
  "comments.summary(true).limit(0)";

/** A post as we store it. */
export const Post = z.object({
  /** The page's id and the post's, with an underscore between. */
  id: z.string().min(1),
  message: z.string().default(""),
  /** What Facebook says of a post without words: "… updated their cover photo." */
  story: z.string().default(""),
  created_time: z.string().optional(),
  permalink_url: z.string().optional(),
  full_picture: z.string().optional(),
  status_type: z.string().optional(),
  is_published: z.boolean().default(true),
  /** Left out where nobody shared. */
  shares: z.object({ count: z.number() }).optional(),
  attachments: z.object({
    data: z.array(z.object({
      media_type: z.string().optional(),
      type: z.string().optional(),
      url: z.string().optional(),
    })),
  }).optional(),
  likes: Counted,
  comments: Counted,
});

type Post = z.infer<typeof Post>;

/** A post in the shape that the content module stores. */
export function normalizePost(post: Post): NormalizedItem {
  const { message } = post;
  return {
    platform_content_id: post.id,
    content_type: typeOf(post),
    title: titleOf(message) || post.story,
    description: message,
    url: post.permalink_url ?? `https://www.facebook.com/${encodeURIComponent(post.id)}`,
    // Signed anew at each call and dead after days: stored it would only be a change.
    thumbnail_url: null,
    // Neither length nor views are among a post's own fields.
    duration_seconds: null,
    view_count: null,
    like_count: post.likes?.summary?.total_count ?? null,
    comment_count: post.comments?.summary?.total_count ?? null,
    tags: [],
    hashtags: findHashtags(message),
    mentions: findMentions(message),
    media: [],
    category: null,
    published_at: toIso(post.created_time),
    visibility: post.is_published ? "public" : "private",
    platform_data: {
      status_type: post.status_type ?? null,
      media_type: post.attachments?.data[0]?.media_type ?? null,
      share_count: post.shares?.count ?? 0,
    },
  };
}

function typeOf({ attachments, permalink_url }: Post): NormalizedItem["content_type"] {
  const first = attachments?.data[0];
  const isReel = [permalink_url, first?.url].some((url) => url?.includes("/reel/"));
  if (isReel) return "reel";
  if (first?.media_type === "video") return "long_video";
  if (first?.media_type === "album") return "carousel";
  return first?.media_type === "photo" ? "image" : "post";
}
