/** TikTok's API v2, reading side. */

import * as z from "zod";
import { tiktokEnv } from "../env.ts";
import { callProvider, type ProviderRequest } from "./http.ts";
import type { CallOptions, NormalizedItem, PlatformAccount } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import { type ItemFailure, readItems } from "./read_items.ts";
import { isTikTokFault, readTikTokFault } from "./tiktok_fault.ts";
import { normalizeTikTokVideo, Video, VIDEO_FIELDS } from "./tiktok_video.ts";

/** What one page holds at most; one with less, or nothing, need not be the last. */
export const TIKTOK_PAGE_SIZE = 20;

/** A page of posts, newest first. */
export interface TikTokPage {
  items: NormalizedItem[];
  failed: ItemFailure[];
  /** Milliseconds: the next page is older; null after the last one. */
  cursor: number | null;
}

/** The signed-in creator's account. */
export interface TikTokAccount extends PlatformAccount {
  /** Posts that are not public included, which the list does not show. */
  video_count: number | null;
}

/** What we read of TikTok. */
export interface TikTokApi {
  getAccount(accessToken: string, options?: CallOptions): Promise<TikTokAccount>;
  /** `cursor` null asks for the newest posts. */
  listVideos(
    accessToken: string,
    cursor: number | null,
    options?: CallOptions,
  ): Promise<TikTokPage>;
}

const UserInfo = z.object({
  data: z.object({
    user: z.object({
      open_id: z.string().min(1),
      display_name: z.string(),
      username: z.string().optional(),
      avatar_url: z.string().optional(),
      follower_count: z.number().optional(),
      video_count: z.number().optional(),
    }),
  }),
});

const VideoList = z.object({
  data: z.object({
    videos: z.array(z.unknown()).default([]),
    cursor: z.number().optional(),
    has_more: z.boolean().default(false),
  }),
});

/** The API behind `TIKTOK_API_URL`. */
export const tiktok: TikTokApi = createTikTok(() => tiktokEnv().apiUrl);

/** The API at an address. */
export function createTikTok(apiUrl: () => string): TikTokApi {
  function call<T>(
    accessToken: string,
    path: string,
    { headers, ...request }: Pick<ProviderRequest<T>, "schema" | "method" | "headers" | "body">,
    { signal }: CallOptions = {},
  ): Promise<T> {
    return callProvider({
      ...request,
      provider: "tiktok",
      url: `${apiUrl()}/v2/${path}`,
      headers: { ...headers, authorization: `Bearer ${accessToken}` },
      isFault: isTikTokFault,
      readFault: readTikTokFault,
      signal,
    });
  }

  return {
    async getAccount(accessToken, options) {
      const fields = "open_id,display_name,username,avatar_url,follower_count,video_count";
      const path = `user/info/?fields=${fields}`;
      const { data: { user } } = await call(accessToken, path, { schema: UserInfo }, options);
      return {
        // Of this person for this app; union_id would be the same over all our apps.
        platform_account_id: user.open_id,
        handle: user.username ? `@${user.username}` : null,
        display_name: user.display_name,
        avatar_url: user.avatar_url ?? null,
        follower_count: user.follower_count ?? null,
        video_count: user.video_count ?? null,
      };
    },

    async listVideos(accessToken, cursor, options) {
      // Fields stand in the query, paging in the body.
      const { data } = await call(accessToken, `video/list/?fields=${VIDEO_FIELDS}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ max_count: TIKTOK_PAGE_SIZE, ...(cursor !== null && { cursor }) }),
        schema: VideoList,
      }, options);
      const next = data.has_more ? data.cursor ?? null : null;
      if (data.has_more && !(next !== null && next < (cursor ?? Infinity))) throw stuck();
      return { ...readItems(data.videos, Video, normalizeTikTokVideo), cursor: next };
    },
  };
}

/** More is promised where we have just been: going on would be for ever. */
function stuck(): ProviderError {
  return new ProviderError({
    provider: "tiktok",
    httpStatus: 200,
    code: "stuck_cursor",
    reason: "stuck_cursor",
    message: "tiktok: the cursor does not move",
    class: "retry_transient",
  });
}
