import type { ContentSource } from "./content_source.ts";
import type { InstagramApi } from "./instagram.ts";
import { ProviderError } from "./provider_error.ts";

/** An account's media, complete on their page: no second call for details. */
export function instagramSource(instagram: InstagramApi): ContentSource {
  return {
    platform: "instagram",
    // Limits are those of the account, and the answers' headers tell how much of them is used.
    cost: null,
    // Shown are about the newest 10 000.
    mayStopAt: 9_500,

    async readAccount(accessToken, options) {
      const { media_count, app_scoped_id: _, ...account } = await instagram.getAccount(
        accessToken,
        options,
      );
      return { ...account, content_count: media_count, list_id: null };
    },

    async listPage({ accessToken }, cursor, { signal }) {
      const page = await instagram.listMedia(accessToken, cursor, { signal });
      return {
        items: page.items,
        missing: [],
        failed: page.failed,
        next: page.after,
        // The list does not tell; the account does.
        total: null,
        quotaUsed: 1,
        pauseMs: pauseAt(page.usage_percent ?? 0),
      };
    },

    // Cursors live for a short while. The code is that of any bad parameter, and this is the only one
    // that comes from Instagram itself.
    isStaleCursor: (error) =>
      error instanceof ProviderError && error.code === "100" && error.class === "invalid_input",
  };
}

/** The hour's limit locks an account out once it is used up: slower from 75 %, not at all from 95 %. */
function pauseAt(percent: number): number {
  if (percent >= 95) return 10 * 60_000;
  return percent >= 75 ? 2_000 : 0;
}
