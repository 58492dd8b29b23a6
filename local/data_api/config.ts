import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { repositoryRoot } from "../stack/paths.ts";

/** The parts of `supabase/config.toml` that Auth and the data API obey; defaults are the CLI's. */
const schema = z.object({
  api: z.object({
    schemas: z.array(z.string()).default(["public"]),
    max_rows: z.number().int().default(1000),
  }).prefault({}),
  auth: z.object({
    site_url: z.string().default("http://127.0.0.1:3000"),
    additional_redirect_urls: z.array(z.string()).default([]),
    jwt_expiry: z.number().int().default(3600),
    enable_signup: z.boolean().default(true),
    minimum_password_length: z.number().int().default(6),
    email: z.object({
      enable_confirmations: z.boolean().default(false),
      otp_length: z.number().int().default(6),
      otp_expiry: z.number().int().default(3600),
    }).prefault({}),
  }).prefault({}),
});

/** What `supabase/config.toml` says about Auth and the data API. */
export type ProjectConfig = z.infer<typeof schema>;

/** Reads `supabase/config.toml`; without one, the CLI's defaults hold. */
export async function readProjectConfig(
  path = join(repositoryRoot, "supabase", "config.toml"),
): Promise<ProjectConfig> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return schema.parse(parse(text));
}
