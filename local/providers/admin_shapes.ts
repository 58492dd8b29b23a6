/**
 * What the switches below `/_admin` take.
 * @module
 */
import { z } from "zod";
import { quotaBuckets } from "./youtube/quota.ts";

const changeSchema = z.strictObject({
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  privacy: z.enum(["public", "unlisted", "private"]),
  views: z.number().int().nonnegative(),
  deleted: z.boolean(),
}).partial();

/** `PUT /_admin/channels/:id`. */
export const channelSchema = z.strictObject({
  /** How many videos the channel has; forgets all edits. */
  videos: z.number().int().min(0).max(1_000_000),
  title: z.string(),
  handle: z.string(),
  subscribers: z.number().int().nonnegative(),
  hidden_subscribers: z.boolean(),
  growth: z.number().int().nonnegative(),
}).partial();

/** `PUT /_admin/consent`. */
export const consentSchema = z.strictObject({
  auto: z.union([z.boolean(), z.enum(["browser", "always", "never"])])
    .transform((auto) => auto === true ? "always" : auto === false ? "never" : auto),
  decision: z.enum(["approve", "deny"]),
  account: z.email(),
  withheld: z.array(z.string()),
}).partial();

/** `PUT /_admin/settings`. */
export const settingsSchema = z.strictObject({
  access_token_seconds: z.number().int().positive(),
  code_seconds: z.number().int().positive(),
  playlist_view_limit: z.number().int().positive(),
  instagram_refresh_after_seconds: z.number().int().nonnegative(),
  /** Moves the simulated clock: tokens run out, quota days end. */
  clock_offset_seconds: z.number().int(),
}).partial();

/** `PUT /_admin/quota`. */
export const quotaSchema = z.strictObject({
  project: z.string().default("streamvibe-local"),
  buckets: z.partialRecord(
    z.enum(quotaBuckets),
    z.strictObject({ used: z.number().int(), limit: z.number().int() }).partial(),
  ),
});

/** `PUT /_admin/clients/:id`. */
export const clientSchema = z.strictObject({
  provider: z.enum(["google", "instagram", "facebook", "tiktok"]).default("google"),
  secret: z.string(),
  name: z.string().default("StreamVibe"),
  project: z.string().default("streamvibe-local"),
  redirect_uris: z.array(z.url()),
});

/** An edit of one video, by its id or by its index (0 is the oldest). */
export const videosSchema = z.record(z.string(), changeSchema);
