/** For the conformance test: every content source over its simulated platform. */

import { MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { mediaId } from "../../../../local/providers/instagram/catalogue.ts";
import { TestSimulator } from "../../../../local/providers/testing.ts";
import { postAt } from "../../../../local/providers/tiktok/posts.ts";
import { TestTikTok } from "../../../../local/providers/tiktok/testing.ts";
import { videoId } from "../../../../local/providers/youtube/video_id.ts";
import { createInstagram } from "./instagram.ts";
import { instagramSource } from "./instagram_source.ts";
import { createTikTok } from "./tiktok.ts";
import { tiktokSource } from "./tiktok_source.ts";
import { createYouTube } from "./youtube.ts";
import { youtubeSource } from "./youtube_source.ts";
import type { ContentSource } from "./content_source.ts";

/** A platform with an account. */
export interface Opened {
  simulator: TestSimulator;
  source: ContentSource;
  token: string;
  /** Null where the token renews itself. */
  refreshToken: string | null;
  /** All its ids, as the platform has them. */
  ids: string[];
}

/** A source and the platform it is shown on. */
export interface Subject {
  /** With an account of so many items. */
  open(items: number): Promise<Opened>;
  /** Where lists are, for faults. */
  list: string;
  pageSize: number;
  /** The items of a page come with a second call, between which they can go. */
  hasDetails: boolean;
}

const emailOf = (items: number) => `someone+${items}@example.com`;
const indexes = (items: number) => Array.from({ length: items }, (_, index) => index);

/** All of them. */
export const subjects: Record<string, Subject> = {
  youtube: {
    list: "/youtube/v3/playlistItems",
    pageSize: 50,
    hasDetails: true,
    async open(items) {
      const simulator = new TestSimulator();
      const { access_token, refresh_token } = await simulator.connect(emailOf(items));
      const channel = simulator.world.accounts.account(emailOf(items)).channel_id!;
      return {
        simulator,
        source: youtubeSource(createYouTube(() => `${simulator.url}/youtube/v3`)),
        token: access_token,
        refreshToken: refresh_token ?? null,
        ids: indexes(items).map((index) => videoId(channel, index)),
      };
    },
  },
  instagram: {
    list: "/instagram/v26.0/me/media",
    pageSize: 50,
    hasDetails: false,
    async open(items) {
      const simulator = new MetaSimulator();
      const token = await simulator.instagramToken(emailOf(items));
      const account = simulator.world.instagram.account(emailOf(items));
      const graphUrl = `${simulator.url}/instagram`;
      return {
        simulator,
        source: instagramSource(createInstagram(() => ({ graphUrl, graphVersion: "v26.0" }))),
        token,
        refreshToken: null,
        ids: indexes(items).map((index) => mediaId(account, index)),
      };
    },
  },
  tiktok: {
    list: "/tiktok/v2/video/list/",
    pageSize: 20,
    hasDetails: false,
    async open(items) {
      const simulator = new TestTikTok();
      const { access_token, refresh_token } = await simulator.signIn(emailOf(items));
      const creator = simulator.world.tiktok.creators.creator(emailOf(items));
      return {
        simulator,
        source: tiktokSource(createTikTok(() => `${simulator.url}/tiktok`)),
        token: access_token,
        refreshToken: refresh_token ?? null,
        ids: indexes(items).map((index) => postAt(creator, index)!.id),
      };
    },
  },
};
