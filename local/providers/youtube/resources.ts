/**
 * Channels, playlist items and videos as the YouTube Data API writes them.
 * @module
 */
import { createHash } from "node:crypto";
import type { Channel } from "../accounts.ts";
import { hash32, scribble } from "../seeded.ts";
import { isoDuration, themeOf, type Video } from "./catalogue.ts";

/** Parts of a resource by name; only those asked for are built and sent. */
export type Parts = Readonly<Record<string, () => object>>;

const iso = (at: number) => new Date(at).toISOString().replace(".000Z", "Z");
// JSON leaves undefined out, which is how YouTube says "hidden".
const count = (value: number | undefined) => value?.toString();

/** The short text that changes when the thing does. */
export function etagOf(content: string): string {
  return createHash("sha1").update(content).digest("base64url");
}

/** A resource with the asked-for parts. */
export function resource(kind: string, id: string, parts: Parts, asked: readonly string[]): object {
  const body = Object.fromEntries(
    asked.flatMap((name) => {
      const part = parts[name]?.();
      return part ? [[name, part] as const] : [];
    }),
  );
  return { kind: `youtube#${kind}`, etag: etagOf(JSON.stringify([id, body])), id, ...body };
}

function thumbnails(id: string, large: boolean) {
  const size = (file: string, width: number, height: number) => ({
    url: `https://i.ytimg.com/vi/${id}/${file}.jpg`,
    width,
    height,
  });
  return {
    default: size("default", 120, 90),
    medium: size("mqdefault", 320, 180),
    high: size("hqdefault", 480, 360),
    ...(large && {
      standard: size("sddefault", 640, 480),
      maxres: size("maxresdefault", 1280, 720),
    }),
  };
}

/** The uploads playlist of a channel. Clients must read it, not derive it. */
export function uploadsPlaylist(channel: Channel): string {
  return `UU${channel.id.slice(2)}`;
}

/** The parts of a channel. */
export function channelParts(channel: Channel): Parts {
  const picture = (pixels: number) => ({
    url: `https://yt3.ggpht.com/${scribble(40, channel.id)}=s${pixels}-c-k-c0x00ffffff-no-rj`,
    width: pixels,
    height: pixels,
  });
  return {
    snippet: () => ({
      title: channel.title,
      description: `All about ${themeOf(channel.id).name}. New videos every week.`,
      customUrl: channel.handle,
      publishedAt: "2016-02-14T09:30:12.345678Z",
      thumbnails: { default: picture(88), medium: picture(240), high: picture(800) },
      localized: { title: channel.title, description: "" },
      country: "SE",
    }),
    contentDetails: () => ({
      relatedPlaylists: { likes: "LL", uploads: uploadsPlaylist(channel) },
    }),
    statistics: () => ({
      viewCount: String(channel.videos * 5_210),
      ...(channel.hidden_subscribers ? {} : { subscriberCount: String(channel.subscribers) }),
      hiddenSubscriberCount: channel.hidden_subscribers,
      videoCount: String(channel.videos),
    }),
    status: () => ({
      privacyStatus: "public",
      isLinked: true,
      longUploadsStatus: "allowed",
      madeForKids: false,
    }),
    brandingSettings: () => ({ channel: { title: channel.title, country: "SE" } }),
  };
}

/** The parts of an entry of an uploads playlist. */
export function playlistItemParts(channel: Channel, video: Video, position: number): Parts {
  return {
    snippet: () => ({
      // When it joined the playlist: for uploads, moments before it was published.
      publishedAt: iso(video.publishedAt - 4_000 - hash32(video.id) % 60_000),
      channelId: channel.id,
      title: video.title,
      description: video.description,
      thumbnails: thumbnails(video.id, video.hasLargeThumbnails),
      channelTitle: channel.title,
      playlistId: uploadsPlaylist(channel),
      position,
      resourceId: { kind: "youtube#video", videoId: video.id },
      videoOwnerChannelTitle: channel.title,
      videoOwnerChannelId: channel.id,
    }),
    contentDetails: () => ({ videoId: video.id, videoPublishedAt: iso(video.publishedAt) }),
    status: () => ({ privacyStatus: video.privacy }),
  };
}

/** The parts of a video; `bare` leaves out all that YouTube may leave out. */
export function videoParts(channel: Channel, video: Video, owner: boolean, bare: boolean): Parts {
  const portrait = video.kind === "short";
  return {
    snippet: () => ({
      publishedAt: iso(video.publishedAt),
      channelId: channel.id,
      title: video.title,
      description: bare ? "" : video.description,
      thumbnails: bare ? {} : thumbnails(video.id, video.hasLargeThumbnails),
      channelTitle: channel.title,
      tags: bare ? undefined : video.tags,
      categoryId: video.categoryId,
      liveBroadcastContent: video.kind === "live" || video.kind === "upcoming"
        ? video.kind
        : "none",
      defaultLanguage: bare ? undefined : video.defaultLanguage,
      localized: { title: video.title, description: bare ? "" : video.description },
    }),
    contentDetails: () => ({
      duration: isoDuration(video.seconds),
      dimension: "2d",
      definition: hash32(video.id, "hd") % 10 === 0 ? "sd" : "hd",
      caption: String(hash32(video.id, "caption") % 4 === 0),
      licensedContent: true,
      contentRating: {},
      projection: "rectangular",
    }),
    statistics: () =>
      bare ? {} : {
        viewCount: count(video.views),
        likeCount: count(video.likes),
        favoriteCount: "0",
        commentCount: count(video.comments),
      },
    status: () => ({
      uploadStatus: "processed",
      privacyStatus: video.privacy,
      publishAt: video.publishAt === undefined || bare ? undefined : iso(video.publishAt),
      license: "youtube",
      embeddable: true,
      publicStatsViewable: video.likes !== undefined,
      madeForKids: false,
    }),
    player: () => ({
      embedHtml: `<iframe width="${portrait ? 270 : 480}" height="${portrait ? 480 : 270}" ` +
        `src="//www.youtube.com/embed/${video.id}" frameborder="0" allowfullscreen></iframe>`,
    }),
    // Pixel sizes are told to the owner only; nothing else says that a video is a Short.
    ...(owner && {
      fileDetails: () => ({
        fileType: "video",
        videoStreams: [{
          widthPixels: portrait ? 1080 : 1920,
          heightPixels: portrait ? 1920 : 1080,
        }],
      }),
    }),
  };
}
