/**
 * The videos of a channel, each computed from its index alone: a channel of a hundred thousand
 * videos costs no more memory than one of ten, and is the same every time.
 * @module
 */
import { between, fraction, pick } from "../seeded.ts";
import type { Channel, VideoChange } from "../google/accounts.ts";
import { liveFrames, longFrames, shortFrames, type Theme, themes } from "./words.ts";
import { videoId } from "./video_id.ts";

/** Who may see a video. */
export type Privacy = "public" | "unlisted" | "private";

/** A simulated video; absent fields are ones that YouTube leaves out. */
export interface Video {
  readonly id: string;
  readonly index: number;
  readonly title: string;
  readonly description: string;
  readonly tags?: readonly string[];
  readonly categoryId: string;
  readonly defaultLanguage?: string;
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
  readonly seconds: number;
  readonly kind: "long" | "short" | "marathon" | "live" | "upcoming";
  readonly privacy: Privacy;
  /** A private video that will go public by itself. */
  readonly publishAt?: number;
  readonly views?: number;
  readonly likes?: number;
  readonly comments?: number;
  readonly hasLargeThumbnails: boolean;
}

const hour = 3_600_000;
/** The day on which the generated uploads of a channel end; what is uploaded later comes after. */
const newestUpload = Date.UTC(2026, 10, 20, 16);
const oldestUpload = Date.UTC(2016, 2, 1);

/** The theme that a channel keeps to. */
export function themeOf(channelId: string): Theme {
  return pick(themes, channelId, "theme");
}

function kindOf(index: number): Video["kind"] {
  if (index % 50 === 7) return "marathon";
  if (index % 100 === 23) return "live";
  if (index % 100 === 73) return "upcoming";
  return index % 4 === 1 ? "short" : "long";
}

function secondsOf(kind: Video["kind"], seed: string): number {
  // Whole minutes and hours are made common, for their ISO 8601 forms leave parts out.
  const round = fraction(seed, "round");
  if (kind === "live" || kind === "upcoming") return 0;
  if (kind === "marathon") return round < 0.5 ? 93_600 : between(86_400, 180_000, seed, "length");
  if (kind === "short") return round < 0.1 ? 60 : between(11, 178, seed, "length");
  if (round < 0.05) return between(3, 70, seed, "length") * 60;
  return round < 0.3 ? between(3_600, 5_400, seed, "length") : between(190, 2_900, seed, "length");
}

function privacyOf(index: number): Privacy {
  if (index % 37 === 11) return "private";
  return index % 23 === 9 ? "unlisted" : "public";
}

/** Upload `index` of the channel: evenly spread over its life, later ones an hour apart. */
function publishedAt(channel: Channel, index: number): number {
  const later = index - channel.base_videos + 1;
  if (later > 0) return newestUpload + later * hour;
  const step = Math.min(26 * hour, (newestUpload - oldestUpload) / channel.base_videos);
  const jitter = fraction(channel.id, index, "time") * step * 0.9;
  return Math.floor((newestUpload + later * step - jitter) / 1_000) * 1_000;
}

function titleOf(kind: Video["kind"], theme: Theme, index: number, seed: string): string {
  const frames = kind === "short" ? shortFrames : kind === "long" ? longFrames : liveFrames;
  const title = pick(frames, seed, "frame").replace("{}", pick(theme.subjects, seed, "subject"));
  const tail = kind === "short" && index % 3 !== 0 ? " #shorts" : ` (#${index + 1})`;
  return title.charAt(0).toUpperCase() + title.slice(1) + tail;
}

function descriptionOf(title: string, kind: Video["kind"], theme: Theme, seed: string): string {
  const hashtags = theme.hashtags.slice(0, between(1, theme.hashtags.length, seed, "hashtags"));
  if (kind === "short") return `${title} ${hashtags.join(" ")}`;
  const chapters = "0:00 Intro\n1:12 What you need\n3:40 Where it goes wrong\n";
  return `${title}.\n\nNew ${theme.name} video every week. Notes and links: ` +
    `https://example.com/${theme.name}/${seed.slice(0, 6)}\n\n` +
    `${kind === "long" ? chapters : "Thank you all for watching live!\n"}\n${hashtags.join(" ")}`;
}

function statistics(
  channel: Channel,
  index: number,
  kind: Video["kind"],
): Pick<Video, "views" | "likes" | "comments"> {
  if (kind === "upcoming") return { views: 0, likes: 0, comments: 0 };
  const seed = `${channel.id}/${index}`;
  const start = Math.round(40 * 10 ** (fraction(seed, "views") * 4.2));
  const views = start + channel.growth * between(0, 400, seed, "growth");
  return {
    views,
    // Hidden likes and switched-off comments are absent, which is not the same as zero.
    likes: index % 29 === 4 ? undefined : Math.round(views * (0.02 + fraction(seed, "l") * 0.05)),
    comments: index % 31 === 5 ? undefined : Math.round(views * fraction(seed, "c") * 0.008),
  };
}

/**
 * The video at this index (0 is the oldest), or null when it was deleted or never existed.
 * `changes` are the edits made to it since.
 */
export function videoAt(channel: Channel, index: number): Video | null {
  if (!Number.isInteger(index) || index < 0 || index >= channel.videos) return null;
  const id = videoId(channel.id, index);
  const change: VideoChange = channel.changes[id] ?? {};
  if (change.deleted) return null;
  const theme = themeOf(channel.id);
  const kind = kindOf(index);
  const privacy = change.privacy ?? privacyOf(index);
  const title = change.title ?? titleOf(kind, theme, index, id);
  const published = publishedAt(channel, index);
  const counted = statistics(channel, index, kind);
  return {
    id,
    index,
    title,
    description: change.description ?? descriptionOf(title, kind, theme, id),
    tags: change.tags ??
      (index % 9 === 2 ? undefined : theme.tags.slice(0, between(2, theme.tags.length, id, "t"))),
    categoryId: theme.categoryId,
    defaultLanguage: index % 3 === 0 ? undefined : "en",
    publishedAt: published,
    seconds: secondsOf(kind, id),
    kind,
    privacy,
    publishAt: privacy === "private" && index % 2 === 0 ? published + 72 * hour : undefined,
    views: change.views ?? counted.views,
    likes: counted.likes,
    comments: counted.comments,
    hasLargeThumbnails: index % 7 !== 3,
  };
}

/** Seconds as YouTube writes them: `PT45S`, `PT1H2M3S`, `P1DT2H`, and `P0D` for none. */
export function isoDuration(seconds: number): string {
  const part = (amount: number, unit: string) => (amount > 0 ? `${amount}${unit}` : "");
  const days = part(Math.floor(seconds / 86_400), "D");
  const time = part(Math.floor(seconds / 3_600) % 24, "H") +
    part(Math.floor(seconds / 60) % 60, "M") + part(seconds % 60, "S");
  return `P${days}${time && `T${time}`}`.replace(/^P$/, "P0D");
}
