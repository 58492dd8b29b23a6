/**
 * YouTube Data API v3, reading side. Uploads are read from the uploads playlist in pages of 50:
 * `search.list` has its own bucket of 100 calls a day for the whole project and misses items.
 */

import * as z from "zod";
import { AppError } from "../errors.ts";
import { youtubeEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import type { CallOptions, NormalizedItem } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import { type ItemFailure, readItems } from "./read_items.ts";
import { Channel, toChannel, type YouTubeChannel } from "./youtube_channel.ts";
import { readYouTubeFault } from "./youtube_fault.ts";
import { normalizeVideo, Video } from "./youtube_video.ts";

export type { YouTubeChannel };

/** What one page and one `videos` call hold at most. */
export const YOUTUBE_PAGE_SIZE = 50;

/** A page of a playlist. */
export interface PlaylistPage {
  videoIds: string[];
  nextPageToken: string | null;
  /** What YouTube says the playlist holds; an estimate for very large channels. */
  total: number;
}

/** Details of videos, as far as they could be read. */
export interface VideoDetails {
  items: NormalizedItem[];
  failed: ItemFailure[];
}

/** What the sync needs of YouTube. */
export interface YouTubeApi {
  /** Throws `NO_CHANNEL` when the Google account has none. */
  getChannel(accessToken: string, options?: CallOptions): Promise<YouTubeChannel>;
  /** `pageToken` null asks for the first page. */
  listPlaylistPage(
    accessToken: string,
    playlistId: string,
    pageToken: string | null,
    options?: CallOptions,
  ): Promise<PlaylistPage>;
  /** At most 50 ids. What is deleted or private is missing from the answer; the order is free. */
  getVideos(
    accessToken: string,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<VideoDetails>;
}

const Channels = z.object({ items: z.array(Channel).optional() });

const PlaylistItems = z.object({
  nextPageToken: z.string().optional(),
  pageInfo: z.object({ totalResults: z.number() }),
  items: z.array(z.object({ contentDetails: z.object({ videoId: z.string() }) })).optional(),
});

const NO_UPLOADS: z.infer<typeof PlaylistItems> = { pageInfo: { totalResults: 0 } };

const Videos = z.object({ items: z.array(z.unknown()).optional() });

/** The API behind `YOUTUBE_API_URL`. */
export const youtube: YouTubeApi = createYouTube(() => youtubeEnv().apiUrl);

/** The API at an address. */
export function createYouTube(apiUrl: () => string): YouTubeApi {
  function get<T>(
    schema: z.ZodType<T>,
    resource: string,
    accessToken: string,
    query: Record<string, string>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    return callProvider({
      provider: "youtube",
      url: `${apiUrl()}/${resource}?${new URLSearchParams(query)}`,
      headers: { authorization: `Bearer ${accessToken}` },
      schema,
      readFault: readYouTubeFault,
      signal,
    });
  }

  return {
    async getChannel(accessToken, options) {
      const answer = await get(Channels, "channels", accessToken, {
        part: "snippet,contentDetails,statistics,status",
        mine: "true",
      }, options);
      // An account without a channel is answered without an `items` key.
      const channel = answer.items?.[0];
      if (!channel) throw new AppError("NO_CHANNEL");
      return toChannel(channel);
    },

    async listPlaylistPage(accessToken, playlistId, pageToken, options) {
      const page = await get(PlaylistItems, "playlistItems", accessToken, {
        part: "contentDetails",
        playlistId,
        maxResults: String(YOUTUBE_PAGE_SIZE),
        ...(pageToken !== null && { pageToken }),
      }, options).catch((error) => {
        // The playlist of a channel without uploads may not exist yet.
        const missing = error instanceof ProviderError && error.reason === "playlistNotFound";
        if (missing && pageToken === null) return NO_UPLOADS;
        throw error;
      });
      return {
        videoIds: (page.items ?? []).map((item) => item.contentDetails.videoId),
        nextPageToken: page.nextPageToken ?? null,
        total: page.pageInfo.totalResults,
      };
    },

    async getVideos(accessToken, ids, options) {
      if (ids.length === 0) return { items: [], failed: [] };
      const answer = await get(Videos, "videos", accessToken, {
        part: "snippet,contentDetails,statistics,status",
        id: ids.join(","),
      }, options);
      return readItems(answer.items ?? [], Video, normalizeVideo);
    },
  };
}
