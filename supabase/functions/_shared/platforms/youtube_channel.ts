import * as z from "zod";
import type { PlatformAccount } from "./platform.ts";

/** The signed-in creator's channel. */
export interface YouTubeChannel extends PlatformAccount {
  /** Read from the API; deriving it from the channel id is undocumented. */
  uploads_playlist_id: string;
  video_count: number | null;
}

const Count = z.string().transform(Number).optional();

/** The parts of a `channels` item that we read. */
export const Channel = z.object({
  id: z.string(),
  snippet: z.object({
    title: z.string(),
    customUrl: z.string().optional(),
    thumbnails: z.record(z.string(), z.object({ url: z.string() })).optional(),
  }),
  contentDetails: z.object({ relatedPlaylists: z.object({ uploads: z.string() }) }),
  statistics: z.object({
    subscriberCount: Count,
    hiddenSubscriberCount: z.boolean().optional(),
    videoCount: Count,
  }).optional(),
});

/** A channel as the house knows it. */
export function toChannel(channel: z.infer<typeof Channel>): YouTubeChannel {
  const { snippet, statistics } = channel;
  return {
    platform_account_id: channel.id,
    handle: snippet.customUrl ?? null,
    display_name: snippet.title,
    avatar_url: (snippet.thumbnails?.medium ?? snippet.thumbnails?.default)?.url ?? null,
    follower_count: statistics?.hiddenSubscriberCount ? null : statistics?.subscriberCount ?? null,
    uploads_playlist_id: channel.contentDetails.relatedPlaylists.uploads,
    video_count: statistics?.videoCount ?? null,
  };
}
