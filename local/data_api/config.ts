import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { repositoryRoot } from "../stack/paths.ts";

/** What a password must hold one of each, by the value of `password_requirements`; GoTrue's lists. */
const letters = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const symbols = `!@#$%^&*()_+-=[]{};'\\:"|<>?,./\`~`;
const requiredCharacters = {
  "": [],
  letters_digits: [letters + letters.toUpperCase(), digits],
  lower_upper_letters_digits: [letters, letters.toUpperCase(), digits],
  lower_upper_letters_digits_symbols: [letters, letters.toUpperCase(), digits, symbols],
} satisfies Record<string, string[]>;

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it, such as `1m30s`, in milliseconds. */
const goDuration = z.string().regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/).transform((text) =>
  Array.from(text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    .reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit!]!, 0)
);

/**
 * The parts of `supabase/config.toml` that Auth and the data API obey; defaults are the CLI's. Of what may
 * stand there besides, lite has no notion: rate limits of sign-ins and codes, CAPTCHA, hooks, a second
 * factor, `secure_password_change`, `refresh_token_reuse_interval`.
 */
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
    enable_refresh_token_rotation: z.boolean().default(true),
    minimum_password_length: z.number().int().default(6),
    password_requirements: z.literal(Object.keys(requiredCharacters)).default("")
      .transform((name) => requiredCharacters[name as keyof typeof requiredCharacters]),
    email: z.object({
      enabled: z.boolean().default(true),
      double_confirm_changes: z.boolean().default(true),
      max_frequency: goDuration.prefault("1s"),
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
