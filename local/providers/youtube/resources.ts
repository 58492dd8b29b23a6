/**
 * Resources as the YouTube Data API writes them, and channels among them.
 * @module
 */
import { createHash } from "node:crypto";
import type { Channel } from "../google/accounts.ts";
import { scribble } from "../seeded.ts";
import { themeOf } from "./catalogue.ts";

/** Parts of a resource by name; only those asked for are built and sent. */
export type Parts = Readonly<Record<string, () => object>>;

/** The short text that changes when the thing does. */
export function etagOf(content: string): string {
  return createHash("sha1").update(content).digest("base64url");
}

/** A resource with the asked-for parts. */
export function resource(kind: string, id: string, parts: Parts, asked: readonly string[]): object {
  const body = Object.fromEntries(
    asked.flatMap((name) => {
      const part = parts[name]?.();
      return part ? [[name, part] as const] : [];
    }),
  );
  return { kind: `youtube#${kind}`, etag: etagOf(JSON.stringify([id, body])), id, ...body };
}

/** The uploads playlist of a channel. Clients must read it, not derive it. */
export function uploadsPlaylist(channel: Channel): string {
  return `UU${channel.id.slice(2)}`;
}

/** The parts of a channel. */
export function channelParts(channel: Channel): Parts {
  const picture = (pixels: number) => ({
    url: `https://yt3.ggpht.com/${scribble(40, channel.id)}=s${pixels}-c-k-c0x00ffffff-no-rj`,
    width: pixels,
    height: pixels,
  });
  return {
    snippet: () => ({
      title: channel.title,
      description: `All about ${themeOf(channel.id).name}. New videos every week.`,
      customUrl: channel.handle,
      publishedAt: "2016-02-14T09:30:12.345678Z",
      thumbnails: { default: picture(88), medium: picture(240), high: picture(800) },
      localized: { title: channel.title, description: "" },
      country: "SE",
    }),
    contentDetails: () => ({
      relatedPlaylists: { likes: "LL", uploads: uploadsPlaylist(channel) },
    }),
    statistics: () => ({
      viewCount: String(channel.videos * 5_210),
      ...(channel.hidden_subscribers ? {} : { subscriberCount: String(channel.subscribers) }),
      hiddenSubscriberCount: channel.hidden_subscribers,
      videoCount: String(channel.videos),
    }),
    status: () => ({
      privacyStatus: "public",
      isLinked: true,
      longUploadsStatus: "allowed",
      madeForKids: false,
    }),
    brandingSettings: () => ({ channel: { title: channel.title, country: "SE" } }),
  };
}
