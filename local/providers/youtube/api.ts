/**
 * The YouTube Data API v3 as far as a sync reads it: channels, playlistItems, videos.
 * @module
 */
import { type Context, Hono } from "hono";
import type { Channel } from "../google/accounts.ts";
import type { CallEnv } from "../call.ts";
import { hash32 } from "../seeded.ts";
import type { World } from "../world.ts";
import { type Video, videoAt } from "./catalogue.ts";
import { authorize, refuse } from "./access.ts";
import { badParameter, playlistNotFound, quotaExceeded, YouTubeError } from "./errors.ts";
import { askedParts, askedSize, list, noFilter } from "./list_request.ts";
import { channelParts, resource, uploadsPlaylist } from "./resources.ts";
import { pageToken, readPageToken, readVideoId } from "./video_id.ts";
import { playlistItemParts, videoParts } from "./video_parts.ts";

function listChannels(c: Context<CallEnv>, world: World, email: string): Response {
  const parts = askedParts(c);
  askedSize(c);
  const ids = c.req.query("id")?.split(",") ?? [];
  if (c.req.query("mine") === "true") {
    const own = world.accounts.account(email).channel_id;
    if (own) ids.push(own);
  } else if (ids.length === 0) throw noFilter("mine, id, forHandle");
  const channels = ids.map((id) => world.accounts.channel(id)).filter((found) => found !== null);
  const pageInfo = { totalResults: channels.length, resultsPerPage: 5 };
  // An account without a channel answers without the key, not with an empty list.
  if (channels.length === 0) {
    return list(c, "channel", { pageInfo: { ...pageInfo, totalResults: 0 } });
  }
  const items = channels.map((channel) =>
    resource("channel", channel.id, channelParts(channel), parts)
  );
  return list(c, "channel", { pageInfo, items });
}

/** Up to `size` visible videos from a position on, newest first, and the position after them. */
function pageOf(
  channel: Channel,
  owner: boolean,
  end: number,
  from: number,
  size: number,
): { entries: { video: Video; position: number }[]; next: number | null } {
  const entries: { video: Video; position: number }[] = [];
  let position = from;
  while (entries.length < size && position < end) {
    const video = videoAt(channel, channel.videos - 1 - position);
    if (video && (owner || video.privacy === "public")) entries.push({ video, position });
    position++;
  }
  return { entries, next: position < end ? position : null };
}

function listPlaylistItems(c: Context<CallEnv>, world: World, email: string): Response {
  const parts = askedParts(c);
  const size = askedSize(c);
  const { faults } = c.var;
  const playlistId = c.req.query("playlistId");
  if (!playlistId) throw noFilter("id, playlistId");
  const channel = world.accounts.channelByUploads(playlistId);
  if (!channel || channel.videos === 0) throw playlistNotFound();
  const token = c.req.query("pageToken");
  const start = token ? readPageToken(playlistId, token) : 0;
  if (start === null || faults.has("cursor_expired")) {
    throw new YouTubeError(
      400,
      "invalidPageToken",
      "The request specifies an invalid page token.",
      { domain: "youtube.parameter", location: "pageToken", locationType: "parameter" },
    );
  }
  const owner = world.accounts.account(email).channel_id === channel.id;
  const end = Math.min(channel.videos, world.settings.playlist_view_limit);
  // As if a video had been uploaded since the page before: everything moves down by one.
  const from = faults.has("duplicate_item") ? Math.max(0, start - 1) : start;
  const page = faults.has("empty_page")
    ? { entries: [], next: start }
    : pageOf(channel, owner, end, from, size);
  const gone = Object.values(channel.changes).filter((change) => change.deleted).length;
  return list(c, "playlistItem", {
    ...(page.next !== null && { nextPageToken: pageToken(playlistId, page.next) }),
    ...(start > 0 && { prevPageToken: pageToken(playlistId, Math.max(0, start - size)) }),
    items: page.entries.map(({ video, position }) =>
      resource(
        "playlistItem",
        btoa(`${uploadsPlaylist(channel)}.${video.id}`).replaceAll("=", ""),
        playlistItemParts(channel, video, position),
        parts,
      )
    ),
    pageInfo: { totalResults: channel.videos - gone, resultsPerPage: size },
  });
}

function listVideos(c: Context<CallEnv>, world: World, email: string): Response {
  const parts = askedParts(c);
  const ids = [...new Set((c.req.query("id") ?? "").split(",").filter(Boolean))];
  if (ids.length === 0) throw noFilter("id, chart, myRating");
  if (ids.length > 50) {
    throw badParameter("invalidFilters", "id", "The request specifies more than 50 ids.");
  }
  const own = world.accounts.account(email).channel_id;
  const gone = c.var.faults.get("deleted_item")?.items ?? 0;
  const bare = c.var.faults.has("missing_fields");
  const items = ids.slice(gone).flatMap((id) => {
    const place = readVideoId(id);
    const channel = place && world.accounts.channelByNumber(place.channelNumber);
    const video = channel && videoAt(channel, place.index);
    // Unknown, deleted and other people's private videos are left out without a word.
    if (!video || (video.privacy === "private" && own !== channel.id)) return [];
    return [{
      id,
      item: resource("video", id, videoParts(channel, video, own === channel.id, bare), parts),
    }];
  });
  // The order is not that of the ids, so that nobody comes to rely on it.
  items.sort((a, b) => hash32(a.id) - hash32(b.id));
  return list(c, "video", {
    items: items.map(({ item }) => item),
    pageInfo: { totalResults: items.length, resultsPerPage: items.length },
  });
}

/** Everything below `/youtube/v3`. */
export function youtubeRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  const resources = {
    channels: listChannels,
    playlistItems: listPlaylistItems,
    videos: listVideos,
  };
  for (const [name, answer] of Object.entries(resources)) {
    app.get(`/${name}`, (c) => {
      const { email, project } = authorize(c, world);
      refuse(c);
      // Charged before the request is looked at: an invalid one costs as much.
      if (!world.quota.charge(project, "default", 1)) throw quotaExceeded();
      return answer(c, world, email);
    });
  }
  app.onError((error) => {
    if (!(error instanceof YouTubeError)) throw error;
    return error.response();
  });
  return app;
}
