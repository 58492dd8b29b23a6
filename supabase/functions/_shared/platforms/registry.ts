import { googleEnv, tiktokEnv } from "../env.ts";
import { googleOAuth } from "./google_oauth.ts";
import { type ConnectablePlatform, openWith } from "./platform.ts";
import { tiktok } from "./tiktok.ts";
import { tiktokOAuth } from "./tiktok_oauth.ts";
import { youtube } from "./youtube.ts";

/** The platforms that accounts can be connected from, by their name in the table `platform`. */
export const platforms = {
  youtube: {
    name: "youtube",
    oauth: googleOAuth,
    settings: googleEnv,
    openAccount: openWith(youtube.getChannel),
  },
  tiktok: {
    name: "tiktok",
    oauth: tiktokOAuth,
    settings: tiktokEnv,
    openAccount: openWith(tiktok.getAccount),
  },
} as const satisfies Record<string, ConnectablePlatform>;
