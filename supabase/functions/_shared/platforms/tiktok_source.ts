import type { ContentSource } from "./content_source.ts";
import { ProviderError } from "./provider_error.ts";
import type { TikTokApi } from "./tiktok.ts";

/** A creator's public posts. */
export function tiktokSource(tiktok: TikTokApi): ContentSource {
  return {
    platform: "tiktok",
    // Calls are counted per minute, and refused with the time to wait.
    cost: null,
    mayStopAt: null,

    async readAccount(accessToken, options) {
      const { video_count, ...account } = await tiktok.getAccount(accessToken, options);
      return { ...account, content_count: video_count, list_id: null };
    },

    async listPage({ accessToken }, cursor, { signal }) {
      // A moment in milliseconds: the next page is what is older.
      const at = cursor === null ? null : Number(cursor);
      const page = await tiktok.listVideos(accessToken, at, { signal });
      return {
        items: page.items,
        missing: [],
        failed: page.failed,
        next: page.cursor === null ? null : String(page.cursor),
        // Only the account tells, and counts what is not public, too.
        total: null,
        quotaUsed: 1,
        pauseMs: 0,
      };
    },

    isStaleCursor: (error) => error instanceof ProviderError && error.code === "invalid_params",
  };
}
