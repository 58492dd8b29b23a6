/**
 * The switches of the simulator, below `/_admin`: for tests, demos and curious people. No provider
 * has these.
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { faultSchema } from "./faults.ts";
import { instagramSwitches } from "./instagram/switches.ts";
import { videoId } from "./youtube/video_id.ts";
import {
  channelSchema,
  clientSchema,
  consentSchema,
  quotaSchema,
  settingsSchema,
  videosSchema,
} from "./admin_shapes.ts";
import { quotaBuckets } from "./youtube/quota.ts";
import { uploadsPlaylist } from "./youtube/resources.ts";
import { tiktokAdminRoutes } from "./tiktok/admin.ts";
import type { World } from "./world.ts";

/** Everything below `/_admin`. */
export function adminRoutes(world: World): Hono {
  const app = new Hono();

  app.post("/reset", (c) => {
    world.reset();
    return c.json({ ok: true });
  });

  app.get("/faults", (c) => c.json({ faults: world.faults.list() }));
  app.put("/faults", async (c) => {
    const { faults } = z.strictObject({ faults: z.array(faultSchema) }).parse(await c.req.json());
    world.faults.clear();
    return c.json({ faults: faults.map((fault) => world.faults.add(fault)) });
  });
  app.post(
    "/faults",
    async (c) => c.json(world.faults.add(faultSchema.parse(await c.req.json())), 201),
  );
  app.delete("/faults", (c) => {
    world.faults.clear();
    return c.json({ faults: [] });
  });
  app.delete("/faults/:id", (c) => c.json({ removed: world.faults.remove(c.req.param("id")) }));

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

  app.route("/instagram", instagramSwitches(world));

  app.get("/requests", (c) => {
    const { path = "/", account = null, after = "0" } = c.req.query();
    const requests = world.requests.list(path, account, Number(after));
    return c.json({ total: requests.length, latest: world.requests.latest, requests });
  });
  app.delete("/requests", (c) => {
    world.requests.clear();
    return c.json({ ok: true });
  });

  app.get("/calls", (c) => c.json({ calls: world.requests.counts(c.req.query("account") ?? "*") }));

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

  app.get("/consent", (c) => c.json(world.consent));
  app.put("/consent", async (c) => {
    Object.assign(world.consent, consentSchema.parse(await c.req.json()));
    return c.json(world.consent);
  });

  app.get("/settings", (c) => c.json(world.settings));
  app.put("/settings", async (c) => {
    const { clock_offset_seconds: offset, ...settings } = settingsSchema.parse(await c.req.json());
    if (offset !== undefined) world.clockOffset = offset * 1_000;
    Object.assign(world.settings, settings);
    return c.json({ ...world.settings, clock_offset_seconds: world.clockOffset / 1_000 });
  });

  app.put("/clients/:id", async (c) => {
    const id = c.req.param("id");
    world.clients.set(id, { id, ...clientSchema.parse(await c.req.json()) });
    return c.json({ id });
  });

  app.route("/tiktok", tiktokAdminRoutes(world));

  app.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof SyntaxError) return c.json({ error: "the body is not JSON" }, 400);
    throw error;
  });
  return app;
}
