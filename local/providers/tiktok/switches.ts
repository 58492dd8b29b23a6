/**
 * The switches of the simulated TikTok, below `/_admin/tiktok`.
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import type { World } from "../world.ts";
import { postAt } from "./posts.ts";

const creatorSchema = z.strictObject({
  /** How many posts there are; forgets all edits. */
  posts: z.number().int().min(0).max(1_000_000),
  username: z.string(),
  display_name: z.string(),
  followers: z.number().int().nonnegative(),
  verified: z.boolean(),
  growth: z.number().int().nonnegative(),
}).partial();

const changeSchema = z.strictObject({
  title: z.string(),
  public: z.boolean(),
  views: z.number().int().nonnegative(),
  deleted: z.boolean(),
}).partial();

const settingsSchema = z.strictObject({
  access_token_seconds: z.number().int().positive(),
  refresh_token_seconds: z.number().int().positive(),
  cover_seconds: z.number().int().positive(),
  calls_per_minute: z.number().int().positive(),
  short_pages: z.boolean(),
}).partial();

/** Everything below `/_admin/tiktok`. */
export function tiktokSwitches(world: World): Hono {
  const app = new Hono();
  const { creators, grants } = world.tiktok;

  app.get("/creators/:email", (c) => {
    const creator = creators.creator(c.req.param("email"));
    return c.json({ creator, grants: grants.grants(creator.email) });
  });
  app.put("/creators/:email", async (c) => {
    const creator = creators.creator(c.req.param("email"));
    const change = creatorSchema.parse(await c.req.json());
    const size = change.posts === undefined ? {} : { base_posts: change.posts, changes: {} };
    creators.put({ ...creator, ...change, ...size });
    world.save();
    return c.json(creators.creator(creator.email));
  });
  app.post("/creators/:email/posts", async (c) => {
    const creator = creators.creator(c.req.param("email"));
    const { count } = z.strictObject({ count: z.number().int().positive() })
      .parse(await c.req.json());
    creators.put({ ...creator, posts: creator.posts + count });
    world.save();
    return c.json(creators.creator(creator.email));
  });
  /** Edits posts by id, or by index: 0 is the oldest. */
  app.patch("/creators/:email/posts", async (c) => {
    const creator = creators.creator(c.req.param("email"));
    const changes = { ...creator.changes };
    const edits = z.record(z.string(), changeSchema).parse(await c.req.json());
    for (const [key, change] of Object.entries(edits)) {
      const id = /^\d{1,7}$/.test(key) ? postAt(creator, Number(key))?.id ?? key : key;
      changes[id] = { ...changes[id], ...change };
    }
    creators.put({ ...creator, changes });
    world.save();
    return c.json({ changes });
  });
  app.post("/creators/:email/revoke", (c) => {
    const { email } = creators.creator(c.req.param("email"));
    for (const { id } of world.clients.values()) grants.revoke(id, email);
    world.save();
    return c.json({ revoked: email });
  });

  app.get("/settings", (c) => c.json(world.tiktok.settings));
  app.put("/settings", async (c) => {
    Object.assign(world.tiktok.settings, settingsSchema.parse(await c.req.json()));
    return c.json(world.tiktok.settings);
  });
  return app;
}
