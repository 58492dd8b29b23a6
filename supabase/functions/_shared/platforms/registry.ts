import { googleEnv } from "../env.ts";
import { googleOAuth } from "./google_oauth.ts";
import { type ConnectablePlatform, openWith } from "./platform.ts";
import { youtube } from "./youtube.ts";

/** The platforms that accounts can be connected from, by their name in the table `platform`. */
export const platforms = {
  youtube: {
    name: "youtube",
    oauth: googleOAuth,
    settings: googleEnv,
    openAccount: openWith(youtube.getChannel),
  },
} as const satisfies Record<string, ConnectablePlatform>;
