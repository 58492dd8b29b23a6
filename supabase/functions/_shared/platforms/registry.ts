import { facebookEnv, googleEnv, instagramEnv, tiktokEnv } from "../env.ts";
import type { ContentSource } from "./content_source.ts";
import { facebook } from "./facebook.ts";
import { facebookOAuth } from "./facebook_oauth.ts";
import { googleOAuth } from "./google_oauth.ts";
import { instagram } from "./instagram.ts";
import { instagramOAuth } from "./instagram_oauth.ts";
import { instagramSource } from "./instagram_source.ts";
import { type ConnectablePlatform, openWith } from "./platform.ts";
import { tiktok } from "./tiktok.ts";
import { tiktokOAuth } from "./tiktok_oauth.ts";
import { tiktokSource } from "./tiktok_source.ts";
import { youtube } from "./youtube.ts";
import { youtubeSource } from "./youtube_source.ts";

/** The platforms that accounts can be connected from, by their name in the table `platform`. */
export const platforms = {
  youtube: {
    name: "youtube",
    oauth: googleOAuth,
    settings: googleEnv,
    openAccount: openWith(youtube.getChannel),
  },
  instagram: {
    name: "instagram",
    oauth: instagramOAuth,
    settings: instagramEnv,
    openAccount: openWith(instagram.getAccount),
  },
  tiktok: {
    name: "tiktok",
    oauth: tiktokOAuth,
    settings: tiktokEnv,
    openAccount: openWith(tiktok.getAccount),
  },
  facebook: {
    name: "facebook",
    oauth: facebookOAuth,
    settings: facebookEnv,
    openAccount: facebook.openAccount,
  },
} as const satisfies Record<string, ConnectablePlatform>;

/** The platforms whose content is synced. */
export const contentSources = {
  youtube: youtubeSource(youtube),
  instagram: instagramSource(instagram),
  tiktok: tiktokSource(tiktok),
} as const satisfies Record<string, ContentSource>;
