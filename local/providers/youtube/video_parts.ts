/**
 * Videos as the YouTube Data API writes them: in a playlist, and by themselves.
 * @module
 */
import type { Channel } from "../google/accounts.ts";
import { hash32 } from "../seeded.ts";
import { isoDuration, type Video } from "./catalogue.ts";
import { type Parts, uploadsPlaylist } from "./resources.ts";

const iso = (at: number) => new Date(at).toISOString().replace(".000Z", "Z");
// JSON leaves undefined out, which is how YouTube says "hidden".
const count = (value: number | undefined) => value?.toString();

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
