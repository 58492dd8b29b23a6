import type { Connections } from "../platforms/connections.ts";
import type { NormalizedItem } from "../platforms/platform.ts";
import { ProviderError } from "../platforms/provider_error.ts";
import type { PlaylistPage, YouTubeApi } from "../platforms/youtube.ts";
import { RetryableError } from "./errors.ts";

/** Which page to read, and what of it. */
export interface UploadsPageRequest {
  socialAccountId: string;
  playlistId: string;
  /** Null is the first page. */
  pageToken: string | null;
  /** Ids that earlier pages have brought already. */
  seen: ReadonlySet<string>;
  /** How many videos to take at most. */
  wanted: number;
  signal: AbortSignal;
}

/** A page of an uploads playlist with the details of its videos. */
export interface UploadsPage {
  page: PlaylistPage;
  /** What this page adds. */
  ids: string[];
  /** Their details, where YouTube has some. */
  items: NormalizedItem[];
}

/** Reads one page and its details, with at most one token look-up for both calls. */
export async function readUploadsPage(
  { youtube, connections }: { youtube: YouTubeApi; connections: Connections },
  { socialAccountId, playlistId, pageToken, seen, wanted, signal }: UploadsPageRequest,
): Promise<UploadsPage> {
  return await connections.withAccessToken(socialAccountId, async (token) => {
    signal.throwIfAborted();
    const page = await youtube.listPlaylistPage(token, playlistId, pageToken, { signal })
      .catch((error) => emptyChannel(error, pageToken));
    if (page.nextPageToken !== null && page.nextPageToken === pageToken) {
      throw new RetryableError("PROVIDER_UNAVAILABLE", { message: "YouTube repeats a page" });
    }
    // A video uploaded while we read pushes the last of one page onto the next.
    const ids = [...new Set(page.videoIds)].filter((id) => !seen.has(id)).slice(0, wanted);
    signal.throwIfAborted();
    const found = ids.length === 0 ? [] : await youtube.getVideos(token, ids, { signal });
    // Any order, some left out: the ids that were asked for are the measure.
    const byId = new Map(found.map((item) => [item.platform_content_id, item]));
    return { page, ids, items: ids.flatMap((id) => byId.get(id) ?? []) };
  });
}

/** A channel without a single upload has a playlist id, but may have no playlist behind it. */
function emptyChannel(error: unknown, pageToken: string | null): PlaylistPage {
  const missing = error instanceof ProviderError && error.class === "not_found";
  if (!missing || pageToken !== null) throw error;
  return { videoIds: [], nextPageToken: null, total: 0 };
}
