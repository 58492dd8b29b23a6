/** The Instagram API with Instagram Login, reading side. Professional accounts only. */

import * as z from "zod";
import { instagramEnv } from "../env.ts";
import { AppError } from "../errors.ts";
import { callProvider } from "./http.ts";
import { Media, MEDIA_FIELDS, normalizeMedia, pictureOf } from "./instagram_media.ts";
import { readMetaFault } from "./meta_fault.ts";
import { EntryList, type MetaPage, toPage } from "./meta_page.ts";
import { readUsage } from "./meta_usage.ts";
import type { CallOptions, PlatformAccount } from "./platform.ts";

/** The signed-in creator's account. */
export interface InstagramAccount extends PlatformAccount {
  /** The same account as this app alone knows it; answers to tokens and webhooks use either. */
  app_scoped_id: string;
  media_count: number | null;
}

/** What one page of media holds at most. */
export const INSTAGRAM_PAGE_SIZE = 50;

/** What we read of Instagram. */
export interface InstagramApi {
  /** Throws `NO_CHANNEL` for a personal account, whose media no app may read. */
  getAccount(accessToken: string, options?: CallOptions): Promise<InstagramAccount>;
  /** Newest first, without stories, and not many more than 10 000. `after` null asks for the first page. */
  listMedia(accessToken: string, after: string | null, options?: CallOptions): Promise<MetaPage>;
}

const Me = z.object({
  id: z.string().min(1),
  user_id: z.string().min(1),
  username: z.string(),
  name: z.string().optional(),
  account_type: z.string().optional(),
  profile_picture_url: z.string().optional(),
  followers_count: z.number().optional(),
  media_count: z.number().optional(),
});

/** The API behind `INSTAGRAM_GRAPH_URL`. */
export const instagram: InstagramApi = createInstagram(instagramEnv);

/** The API with these settings. */
export function createInstagram(
  settings: () => Pick<ReturnType<typeof instagramEnv>, "graphUrl" | "graphVersion">,
): InstagramApi {
  function get<T>(
    schema: z.ZodType<T>,
    resource: string,
    accessToken: string,
    query: Record<string, string>,
    { signal }: CallOptions = {},
    onHeaders?: (headers: Headers) => void,
  ): Promise<T> {
    const { graphUrl, graphVersion } = settings();
    return callProvider({
      provider: "instagram",
      url: `${graphUrl}/${graphVersion}/${resource}?${new URLSearchParams(query)}`,
      headers: { authorization: `Bearer ${accessToken}` },
      schema,
      readFault: readMetaFault,
      onHeaders,
      signal,
    });
  }

  return {
    async getAccount(accessToken, options) {
      const me = await get(Me, "me", accessToken, {
        fields: "id,user_id,username,name,account_type,profile_picture_url,followers_count," +
          "media_count",
      }, options);
      if (me.account_type?.toLowerCase() === "personal") throw new AppError("NO_CHANNEL");
      return {
        // The professional account's own id, which publishing and webhooks use.
        platform_account_id: me.user_id,
        handle: `@${me.username}`,
        display_name: me.name || me.username,
        avatar_url: me.profile_picture_url ?? null,
        follower_count: me.followers_count ?? null,
        app_scoped_id: me.id,
        media_count: me.media_count ?? null,
      };
    },

    async listMedia(accessToken, after, options) {
      let usage_percent: number | null = null;
      const list = await get(
        EntryList,
        "me/media",
        accessToken,
        {
          fields: MEDIA_FIELDS,
          limit: String(INSTAGRAM_PAGE_SIZE),
          ...(after !== null && { after }),
        },
        options,
        (headers) => usage_percent = readUsage(headers),
      );
      return toPage(list, Media, normalizeMedia, pictureOf, usage_percent);
    },
  };
}
