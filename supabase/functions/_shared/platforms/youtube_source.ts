import type { ContentSource } from "./content_source.ts";
import { ProviderError } from "./provider_error.ts";
import type { PlaylistPage, YouTubeApi } from "./youtube.ts";

/** A channel's videos: the uploads playlist page by page, details by id. */
export function youtubeSource(youtube: YouTubeApi): ContentSource {
  return {
    platform: "youtube",
    // Units of the project's day; the list and the details are one each, however short they are.
    cost: { bucket: "default", account: 1, page: 2 },
    // A playlist shows about its newest 20 000.
    mayStopAt: 19_000,

    async readAccount(accessToken, options) {
      const { uploads_playlist_id, video_count, ...account } = await youtube.getChannel(
        accessToken,
        options,
      );
      return { ...account, content_count: video_count, list_id: uploads_playlist_id };
    },

    async listPage({ accessToken, listId }, cursor, { wanted, signal }) {
      const page = await youtube.listPlaylistPage(accessToken, listId ?? "", cursor, { signal })
        .catch((error) => noUploads(error, cursor));
      const ids = [...new Set(page.videoIds)].slice(0, wanted);
      signal?.throwIfAborted();
      const { items, failed } = await youtube.getVideos(accessToken, ids, { signal });
      // Details come in any order and leave out what is gone: the ids asked for are the measure.
      const byId = new Map(items.map((item) => [item.platform_content_id, item]));
      const known = new Set([...byId.keys(), ...failed.map((one) => one.platform_content_id)]);
      return {
        items: ids.flatMap((id) => byId.get(id) ?? []),
        missing: ids.filter((id) => !known.has(id)),
        failed,
        next: page.nextPageToken,
        total: page.total,
        quotaUsed: ids.length > 0 ? 2 : 1,
        pauseMs: 0,
      };
    },

    isStaleCursor: (error) => error instanceof ProviderError && error.reason === "invalidPageToken",
  };
}

/** A channel without a single upload has a playlist id, but may have no playlist behind it. */
function noUploads(error: unknown, cursor: string | null): PlaylistPage {
  const missing = error instanceof ProviderError && error.class === "not_found";
  if (!missing || cursor !== null) throw error;
  return { videoIds: [], nextPageToken: null, total: 0 };
}
