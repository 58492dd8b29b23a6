/**
 * The switches of the simulator, below `/_admin`: for tests, demos and curious people. No provider
 * has these.
 * @module
 */
import { Hono } from "hono";
import { z } from "zod";
import { faultSchema } from "./faults.ts";
import { instagramSwitches } from "./instagram/switches.ts";
import { tiktokSwitches } from "./tiktok/switches.ts";
import type { World } from "./world.ts";
import { youtubeSwitches } from "./youtube/switches.ts";

/** `PUT /_admin/consent`. */
const consentSchema = z.strictObject({
  auto: z.union([z.boolean(), z.enum(["browser", "always", "never"])])
    .transform((auto) => auto === true ? "always" : auto === false ? "never" : auto),
  decision: z.enum(["approve", "deny"]),
  account: z.email(),
  withheld: z.array(z.string()),
}).partial();

/** `PUT /_admin/settings`. */
const settingsSchema = z.strictObject({
  access_token_seconds: z.number().int().positive(),
  code_seconds: z.number().int().positive(),
  playlist_view_limit: z.number().int().positive(),
  instagram_refresh_after_seconds: z.number().int().nonnegative(),
  /** Moves the simulated clock: tokens run out, quota days end. */
  clock_offset_seconds: z.number().int(),
}).partial();

/** `PUT /_admin/clients/:id`. */
const clientSchema = z.strictObject({
  provider: z.enum(["google", "instagram", "facebook", "tiktok"]).default("google"),
  secret: z.string(),
  name: z.string().default("StreamVibe"),
  project: z.string().default("streamvibe-local"),
  redirect_uris: z.array(z.url()),
});

/** Everything below `/_admin`. */
export function adminRoutes(world: World): Hono {
  const app = new Hono();

  app.post("/reset", (c) => {
    world.reset();
    return c.json({ ok: true });
  });

  app.route("/faults", faultSwitches(world));
  app.route("/", youtubeSwitches(world));
  app.route("/instagram", instagramSwitches(world));
  app.route("/tiktok", tiktokSwitches(world));

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

  app.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof SyntaxError) return c.json({ error: "the body is not JSON" }, 400);
    throw error;
  });
  return app;
}

function faultSwitches({ faults }: World): Hono {
  const app = new Hono();
  app.get("/", (c) => c.json({ faults: faults.list() }));
  app.put("/", async (c) => {
    const wanted = z.strictObject({ faults: z.array(faultSchema) }).parse(await c.req.json());
    faults.clear();
    return c.json({ faults: wanted.faults.map((fault) => faults.add(fault)) });
  });
  app.post(
    "/",
    async (c) => c.json(faults.add(faultSchema.parse(await c.req.json())), 201),
  );
  app.delete("/", (c) => {
    faults.clear();
    return c.json({ faults: [] });
  });
  app.delete("/:id", (c) => c.json({ removed: faults.remove(c.req.param("id")) }));
  return app;
}
