/**
 * `/_admin/instagram/:email`: what a test changes about an account of the simulated Instagram.
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import type { World } from "../world.ts";
import { mediaId } from "./catalogue.ts";

const accountSchema = z.strictObject({
  /** How many media the account has; forgets all edits. */
  media: z.number().int().min(0).max(999_999),
  username: z.string(),
  name: z.string(),
  account_type: z.enum(["Business", "Media_Creator", "Personal"]),
  followers: z.number().int().nonnegative(),
  growth: z.number().int().nonnegative(),
}).partial();

/** An edit of one media, by its id or by its index (0 is the oldest). */
const mediaSchema = z.record(
  z.string(),
  z.strictObject({
    caption: z.string(),
    likes: z.number().int().nonnegative(),
    deleted: z.boolean(),
  }).partial(),
);

/** The switches. */
export function instagramSwitches(world: World): Hono {
  const app = new Hono();
  app.get("/:email", (c) => c.json(world.instagram.account(c.req.param("email"))));
  app.put("/:email", async (c) => {
    const email = c.req.param("email");
    const change = accountSchema.parse(await c.req.json());
    const size = change.media === undefined ? {} : { base_media: change.media, changes: {} };
    world.instagram.change(email, { ...change, ...size });
    world.save();
    return c.json(world.instagram.account(email));
  });
  app.post("/:email/media", async (c) => {
    const { count } = z.strictObject({ count: z.number().int().positive() })
      .parse(await c.req.json());
    const account = world.instagram.account(c.req.param("email"));
    world.instagram.change(account.email, { media: account.media + count });
    world.save();
    return c.json(account);
  });
  app.patch("/:email/media", async (c) => {
    const account = world.instagram.account(c.req.param("email"));
    const changes = { ...account.changes };
    for (const [key, change] of Object.entries(mediaSchema.parse(await c.req.json()))) {
      const id = /^\d{1,6}$/.test(key) ? mediaId(account, Number(key)) : key;
      changes[id] = { ...changes[id], ...change };
    }
    world.instagram.change(account.email, { changes });
    world.save();
    return c.json({ changes });
  });
  return app;
}
