/**
 * What stands on a Facebook page, each computed from its index alone: posts, and videos among them.
 * @module
 */
import { captions } from "../instagram/captions.ts";
import { graphTime } from "../instagram/catalogue.ts";
import type { GraphNode } from "../meta/fields.ts";
import { fraction, hash32, pick, scribble } from "../seeded.ts";
import type { Page } from "./people.ts";

const hour = 3_600_000;
const newest = Date.UTC(2026, 10, 20, 16);

/** Every third post is a video. */
const isVideo = (index: number) => index % 3 === 1;
const isReel = (index: number) => index % 6 === 1;

/** How many of a page's posts are videos. */
export const videosOn = (page: Page) => Math.ceil((page.posts - 1) / 3);

function story(page: Page, kind: string, index: number) {
  const family = String(hash32(page.id, kind) % 10_000_000).padStart(7, "0");
  return `12${family}${String(index).padStart(8, "0")}`;
}

/** The index behind an id of this page's, or null. */
export function readStoryId(page: Page, kind: "post" | "video", id: string): number | null {
  const index = Number(id.slice(-8));
  return /^\d{17}$/.test(id) && story(page, kind, index) === id ? index : null;
}

const picture = (id: string) => `https://scontent.xx.fbcdn.net/v/t39/${scribble(24, id)}.jpg?oe=1`;
const counted = (total_count: number) => ({ data: [], summary: { total_count } });

function counts(page: Page, index: number) {
  const likes = Math.round(10 * 10 ** (fraction(page.id, index, "likes") * 3));
  const comments = Math.round(likes * 0.05);
  return { likes: counted(likes), comments: counted(comments), reactions: counted(likes + 3) };
}

/** The post at this index (0 is the oldest); null when there is none. */
export function postAt(page: Page, index: number): GraphNode | null {
  if (index < 0 || index >= page.posts) return null;
  const id = `${page.id}_${story(page, "post", index)}`;
  const kind = isVideo(index) ? "video" : index % 5 === 0 ? "album" : "photo";
  const at = newest - (page.posts - 1 - index) * 19 * hour;
  const text = index % 7 === 4
    ? undefined
    : pick(captions, id, "text").replace("{}", String(index + 1));
  return {
    id,
    message: text,
    story: undefined,
    created_time: graphTime(at),
    updated_time: graphTime(at + hour),
    permalink_url: `https://www.facebook.com/${page.id}/posts/${story(page, "post", index)}`,
    full_picture: index % 9 === 8 ? undefined : picture(id),
    status_type: kind === "video" ? "added_video" : "added_photos",
    is_published: true,
    // A post that nobody shared has no such field.
    shares: index % 4 === 0 ? undefined : { count: index % 40 },
    attachments: {
      data: [{
        media_type: kind,
        type: kind === "video" ? "video_inline" : kind,
        url: `https://www.facebook.com/${page.username}/${kind}s/${index}`,
        title: undefined,
        description: text,
      }],
    },
    ...counts(page, index),
  };
}

/** The page's video of this number (0 is the oldest); null when there is none. */
export function videoAt(page: Page, number: number): GraphNode | null {
  const index = number * 3 + 1;
  if (number < 0 || index >= page.posts) return null;
  const id = story(page, "video", number);
  const at = newest - (page.posts - 1 - index) * 19 * hour;
  return {
    id,
    title: index % 2 === 0 ? undefined : `${page.name}, part ${number + 1}`,
    description: index % 7 === 4
      ? undefined
      : pick(captions, `${page.id}_${story(page, "post", index)}`, "text")
        .replace("{}", String(index + 1)),
    created_time: graphTime(at),
    updated_time: graphTime(at + hour),
    permalink_url: isReel(index) ? `/reel/${id}/` : `/${page.username}/videos/${id}/`,
    // Seconds, with fractions.
    length: isReel(index) ? 3.2 + (index % 87) : 61.5 + (index % 900),
    picture: picture(id),
    post_id: story(page, "post", index),
    views: Math.round(50 * 10 ** (fraction(id, "views") * 3)),
    published: true,
    status: { video_status: "ready" },
    ...counts(page, index),
  };
}
