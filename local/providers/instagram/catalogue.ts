/**
 * The media of an Instagram account, each computed from its index alone.
 * @module
 */
import { between, fraction, hash32, pick, scribble } from "../seeded.ts";
import type { GraphNode } from "../meta/fields.ts";
import type { InstagramAccount } from "./accounts.ts";
import { captions } from "./captions.ts";

/** Instagram shows no more than about this many of the newest media. */
export const mediaViewLimit = 10_000;

const hour = 3_600_000;
const newest = Date.UTC(2026, 10, 20, 16);

/** The id of the media with this index: 17 digits, more than a double can tell apart. */
export function mediaId(account: InstagramAccount, index: number, child = 0): string {
  const family = String(hash32(account.user_id) % 10_000_000).padStart(7, "0");
  return `18${family}${String(index).padStart(6, "0")}${String(child).padStart(2, "0")}`;
}

/** Index and child number behind an id of this account's, or null. */
export function readMediaId(
  account: InstagramAccount,
  id: string,
): { index: number; child: number } | null {
  if (!/^\d{17}$/.test(id)) return null;
  const place = { index: Number(id.slice(9, 15)), child: Number(id.slice(15)) };
  return mediaId(account, place.index, place.child) === id ? place : null;
}

/** What kind of media stands at an index: every kind within any ten. */
function kindOf(index: number): { type: string; product: "FEED" | "REELS" } {
  const place = index % 10;
  if (place === 2 || place === 7) return { type: "CAROUSEL_ALBUM", product: "FEED" };
  if (place === 1 || place === 4 || place === 8) return { type: "VIDEO", product: "REELS" };
  // Videos from before all of them became reels.
  if (place === 5) return { type: "VIDEO", product: "FEED" };
  return { type: "IMAGE", product: "FEED" };
}

/** An address on the CDN: signed, and good for a few days only. */
function signed(name: string, extension: "jpg" | "mp4", now: number): string {
  const expires = Math.ceil(now / (24 * hour) + 3) * 24 * 3_600;
  const url = new URL(
    `https://scontent.cdninstagram.com/o1/v/t16/${scribble(24, name)}.${extension}`,
  );
  url.search = new URLSearchParams({
    _nc_ht: "scontent.cdninstagram.com",
    oh: `00_${scribble(43, name, expires)}`,
    oe: expires.toString(16).toUpperCase(),
  }).toString();
  return url.href;
}

/** The picture of an account, signed like everything on the CDN. */
export const pictureOf = (account: InstagramAccount, now: number) =>
  signed(`${account.id}/picture`, "jpg", now);

/** A moment as Meta writes it: no colon in the offset. */
export const graphTime = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "+0000");

function publishedAt(account: InstagramAccount, index: number): number {
  const later = index - account.base_media + 1;
  return newest + later * (later > 0 ? hour : 17 * hour);
}

function addresses(id: string, type: string, now: number, protectedMedia: boolean) {
  return {
    // Left out where somebody else holds the rights.
    media_url: protectedMedia ? undefined : signed(id, type === "VIDEO" ? "mp4" : "jpg", now),
    thumbnail_url: type === "VIDEO" ? signed(`${id}/thumbnail`, "jpg", now) : undefined,
  };
}

function childrenOf(account: InstagramAccount, index: number, now: number): GraphNode[] {
  const count = 2 + hash32(account.id, index, "children") % 9;
  return Array.from({ length: count }, (_, child) => {
    const id = mediaId(account, index, child + 1);
    const type = hash32(id) % 4 === 0 ? "VIDEO" : "IMAGE";
    return {
      id,
      media_type: type,
      ...addresses(id, type, now, false),
      permalink: undefined,
      timestamp: graphTime(publishedAt(account, index)),
      username: account.username,
    };
  });
}

/**
 * The media at this index (0 is the oldest), or null when it was deleted or never existed. What is
 * undefined is what Instagram leaves out.
 */
export function mediaAt(account: InstagramAccount, index: number, now: number): GraphNode | null {
  if (index < 0 || index >= account.media) return null;
  const id = mediaId(account, index);
  const change = account.changes[id] ?? {};
  if (change.deleted) return null;
  const { type, product } = kindOf(index);
  const reel = product === "REELS";
  const shortcode = scribble(11, id, "shortcode");
  const likes = Math.round(20 * 10 ** (fraction(id, "likes") * 3)) +
    account.growth * between(0, 40, id, "growth");
  const caption = change.caption ??
    (index % 13 === 5 ? undefined : pick(captions, id).replace("{}", String(index + 1)));
  return {
    id,
    caption,
    media_type: type,
    media_product_type: product,
    ...addresses(id, type, now, index % 17 === 3),
    permalink: `https://www.instagram.com/${reel ? "reel" : "p"}/${shortcode}/`,
    shortcode,
    timestamp: graphTime(publishedAt(account, index)),
    username: account.username,
    // Hidden likes are absent, which is not zero.
    like_count: change.likes ?? (index % 11 === 6 ? undefined : likes),
    comments_count: Math.round(likes * fraction(id, "comments") * 0.06),
    is_comment_enabled: true,
    is_shared_to_feed: reel ? index % 3 !== 0 : undefined,
    alt_text: type === "IMAGE" && index % 2 === 0 ? "A table seen from above" : undefined,
    children: type === "CAROUSEL_ALBUM" ? { data: childrenOf(account, index, now) } : undefined,
  };
}
