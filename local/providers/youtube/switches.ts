/**
 * The switches of the simulated Google and YouTube, below `/_admin`: people, channels, quota.
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import type { World } from "../world.ts";
import { quotaBuckets } from "./quota.ts";
import { uploadsPlaylist } from "./resources.ts";
import { videoId } from "./video_id.ts";

const changeSchema = z.strictObject({
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  privacy: z.enum(["public", "unlisted", "private"]),
  views: z.number().int().nonnegative(),
  deleted: z.boolean(),
}).partial();

/** An edit of one video, by its id or by its index (0 is the oldest). */
const videosSchema = z.record(z.string(), changeSchema);

/** `PUT /_admin/channels/:id`. */
const channelSchema = z.strictObject({
  /** How many videos the channel has; forgets all edits. */
  videos: z.number().int().min(0).max(1_000_000),
  title: z.string(),
  handle: z.string(),
  subscribers: z.number().int().nonnegative(),
  hidden_subscribers: z.boolean(),
  growth: z.number().int().nonnegative(),
}).partial();

/** `PUT /_admin/quota`. */
const quotaSchema = z.strictObject({
  project: z.string().default("streamvibe-local"),
  buckets: z.partialRecord(
    z.enum(quotaBuckets),
    z.strictObject({ used: z.number().int(), limit: z.number().int() }).partial(),
  ),
});

/** Everything of theirs below `/_admin`. */
export function youtubeSwitches(world: World): Hono {
  const app = new Hono();

  app.get("/accounts/:email", (c) => {
    const account = world.accounts.account(c.req.param("email"));
    const channel = account.channel_id === null ? null : world.accounts.channel(account.channel_id);
    return c.json({ account, channel, uploads: channel && uploadsPlaylist(channel) });
  });
  app.post("/accounts/:email/revoke", (c) => {
    const { email } = world.accounts.account(c.req.param("email"));
    for (const { project } of world.clients.values()) world.consents.revoke(project, email);
    world.save();
    return c.json({ revoked: email });
  });

  app.put("/channels/:id", async (c) => {
    const channel = world.accounts.channel(c.req.param("id"));
    if (!channel) return c.json({ error: "no such channel" }, 404);
    const change = channelSchema.parse(await c.req.json());
    const size = change.videos === undefined ? {} : { base_videos: change.videos, changes: {} };
    world.accounts.putChannel({ ...channel, ...change, ...size });
    world.save();
    return c.json(world.accounts.channel(channel.id));
  });
  app.post("/channels/:id/uploads", async (c) => {
    const channel = world.accounts.channel(c.req.param("id"));
    if (!channel) return c.json({ error: "no such channel" }, 404);
    const { count } = z.strictObject({ count: z.number().int().positive() })
      .parse(await c.req.json());
    world.accounts.putChannel({ ...channel, videos: channel.videos + count });
    world.save();
    return c.json(world.accounts.channel(channel.id));
  });
  app.patch("/channels/:id/videos", async (c) => {
    const channel = world.accounts.channel(c.req.param("id"));
    if (!channel) return c.json({ error: "no such channel" }, 404);
    const changes = { ...channel.changes };
    for (const [key, change] of Object.entries(videosSchema.parse(await c.req.json()))) {
      const id = /^\d{1,7}$/.test(key) ? videoId(channel.id, Number(key)) : key;
      changes[id] = { ...changes[id], ...change };
    }
    world.accounts.putChannel({ ...channel, changes });
    world.save();
    return c.json({ changes });
  });

  app.get(
    "/quota",
    (c) => c.json(world.quota.report(c.req.query("project") ?? "streamvibe-local")),
  );
  app.put("/quota", async (c) => {
    const { project, buckets } = quotaSchema.parse(await c.req.json());
    for (const name of quotaBuckets) {
      const { used, limit } = buckets[name] ?? {};
      if (limit !== undefined) world.quota.setLimit(name, limit);
      if (used !== undefined) world.quota.setUsed(project, name, used);
    }
    return c.json(world.quota.report(project));
  });
  return app;
}
