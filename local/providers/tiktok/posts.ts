/**
 * The posts of a creator, each computed from its index alone.
 * @module
 */
import { between, fraction, hash32, pick } from "../seeded.ts";
import { shortFrames, themes } from "../youtube/words.ts";
import type { Creator } from "./creators.ts";

/** A simulated post. */
export interface Post {
  /** An int64 above 2^53, as TikTok's: a number in JavaScript would round it. */
  readonly id: string;
  readonly index: number;
  /** Seconds since 1970; no two posts of a creator share one. */
  readonly create_time: number;
  readonly title: string;
  readonly description: string;
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
  readonly views: number;
  readonly likes: number;
  readonly comments: number;
  readonly shares: number;
  readonly public: boolean;
}

const hour = 3_600;
/** When the generated posts of a creator end; what is posted later comes after. */
const newestPost = Date.UTC(2026, 10, 20, 18) / 1_000;
const oldestPost = Date.UTC(2019, 0, 15) / 1_000;

/** Post `index` of the creator: evenly spread over the account's life, later ones an hour apart. */
export function createTime(creator: Creator, index: number): number {
  const later = index - creator.base_posts + 1;
  if (later > 0) return newestPost + later * hour;
  const step = Math.min(9 * hour, (newestPost - oldestPost) / creator.base_posts);
  const jitter = fraction(creator.open_id, index, "time") * step * 0.9;
  return Math.floor(newestPost + later * step - jitter);
}

/** The upper half of an id is the second of the upload, as in TikTok's own ids. */
function postId(creator: Creator, index: number): string {
  const low = (hash32(creator.open_id, "posts") ^ index) >>> 0;
  return String((BigInt(createTime(creator, index)) << 32n) | BigInt(low));
}

/** The index behind an id of this creator's, or null. */
export function indexOfPost(creator: Creator, id: string): number | null {
  if (!/^\d{15,19}$/.test(id)) return null;
  const low = Number(BigInt(id) & 0xffffffffn);
  const index = (hash32(creator.open_id, "posts") ^ low) >>> 0;
  return index < creator.posts && postId(creator, index) === id ? index : null;
}

/** The post at this index (0 is the oldest), or null when it was deleted or never existed. */
export function postAt(creator: Creator, index: number): Post | null {
  if (!Number.isInteger(index) || index < 0 || index >= creator.posts) return null;
  const id = postId(creator, index);
  const change = creator.changes[id] ?? {};
  if (change.deleted) return null;
  const theme = pick(themes, creator.open_id, "theme");
  const caption = pick(shortFrames, id, "frame").replace("{}", pick(theme.subjects, id, "subject"));
  const hashtags = theme.hashtags.slice(0, between(1, theme.hashtags.length, id, "hashtags"));
  const views = Math.round(60 * 10 ** (fraction(id, "views") * 5));
  // Captions become titles, cut where a title ends; some posts have neither.
  const title = index % 17 === 6 ? "" : change.title ?? `${caption} ${hashtags.join(" ")}`;
  const wide = index % 19 === 3;
  return {
    id,
    index,
    create_time: createTime(creator, index),
    title,
    description: title.slice(0, 150),
    seconds: index % 23 === 8 ? between(181, 600, id, "length") : between(6, 178, id, "length"),
    width: wide ? 1024 : 576,
    height: wide ? 576 : 1024,
    views: change.views ?? views + creator.growth * between(0, 400, id, "growth"),
    likes: Math.round(views * (0.04 + fraction(id, "likes") * 0.1)),
    comments: Math.round(views * fraction(id, "comments") * 0.01),
    shares: Math.round(views * fraction(id, "shares") * 0.02),
    public: change.public ?? true,
  };
}

/** The newest index whose post is older than this moment, or -1. */
export function newestBefore(creator: Creator, at: number): number {
  let low = 0;
  let high = creator.posts;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (createTime(creator, middle) * 1_000 < at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
