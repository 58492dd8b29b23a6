/** TikTok's API v2, reading side. */

import * as z from "zod";
import { tiktokEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import type { CallOptions, PlatformAccount } from "./platform.ts";
import { isTikTokFault, readTikTokFault } from "./tiktok_fault.ts";

/** What we read of TikTok. */
export interface TikTokApi {
  getAccount(accessToken: string, options?: CallOptions): Promise<PlatformAccount>;
}

const UserInfo = z.object({
  data: z.object({
    user: z.object({
      open_id: z.string().min(1),
      display_name: z.string(),
      username: z.string().optional(),
      avatar_url: z.string().optional(),
      follower_count: z.number().optional(),
    }),
  }),
});

/** The API behind `TIKTOK_API_URL`. */
export const tiktok: TikTokApi = createTikTok(() => tiktokEnv().apiUrl);

/** The API at an address. */
export function createTikTok(apiUrl: () => string): TikTokApi {
  return {
    async getAccount(accessToken, { signal } = {}) {
      const fields = "open_id,display_name,username,avatar_url,follower_count";
      const { data: { user } } = await callProvider({
        provider: "tiktok",
        url: `${apiUrl()}/v2/user/info/?fields=${fields}`,
        headers: { authorization: `Bearer ${accessToken}` },
        schema: UserInfo,
        isFault: isTikTokFault,
        readFault: readTikTokFault,
        signal,
      });
      return {
        // Of this person for this app; union_id would be the same over all our apps.
        platform_account_id: user.open_id,
        handle: user.username ? `@${user.username}` : null,
        display_name: user.display_name,
        avatar_url: user.avatar_url ?? null,
        follower_count: user.follower_count ?? null,
      };
    },
  };
}
