/** An account at a simulated platform, connected for somebody on the real database. */
import type postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { faultSchema } from "../../../local/providers/faults.ts";
import { type Opened, subjects } from "../../functions/_shared/platforms/conformance_subjects.ts";
import { createGoogleOAuth } from "../../functions/_shared/platforms/google_oauth.ts";
import { createInstagramOAuth } from "../../functions/_shared/platforms/instagram_oauth.ts";
import type { OAuthClient } from "../../functions/_shared/platforms/platform.ts";
import { createTikTokOAuth } from "../../functions/_shared/platforms/tiktok_oauth.ts";
import type { FaultSwitch, Platform } from "./rows.ts";

/** More than a page everywhere. */
export const ITEMS = 70;

const DAY_SECONDS = 25 * 3_600;

/** Where a switch can strike. */
const places: Record<Platform, Record<FaultSwitch["at"], string>> = {
  youtube: {
    account: "/youtube/v3/channels",
    list: "/youtube/v3/playlistItems",
    details: "/youtube/v3/videos",
    token: "/google/token",
  },
  instagram: {
    account: "/instagram/v26.0/me",
    list: "/instagram/v26.0/me/media",
    details: "/instagram/v26.0/me/media",
    token: "/instagram/refresh_access_token",
  },
  tiktok: {
    account: "/tiktok/v2/user/info/",
    list: "/tiktok/v2/video/list/",
    details: "/tiktok/v2/video/list/",
    token: "/tiktok/v2/oauth/token/",
  },
};

const clients: Record<Platform, (url: string) => OAuthClient> = {
  youtube: (url) =>
    createGoogleOAuth(() => ({
      clientId: "local-google-client",
      clientSecret: "local-google-secret",
      authUrl: url,
      tokenUrl: `${url}/google`,
    })),
  instagram: (url) =>
    createInstagramOAuth(() => ({
      appId: "1000000000000001",
      appSecret: "local-instagram-secret",
      authUrl: url,
      tokenUrl: `${url}/instagram/oauth/access_token`,
      graphUrl: `${url}/instagram`,
      graphVersion: "v26.0",
    })),
  tiktok: (url) =>
    createTikTokOAuth(() => ({
      clientKey: "local-tiktok-key",
      clientSecret: "local-tiktok-secret",
      authUrl: url,
      apiUrl: `${url}/tiktok`,
    })),
};

/** A platform with an account of {@link ITEMS} items, and whose account it is. */
export interface AccountWorld extends Opened {
  platform: Platform;
  pageSize: number;
  oauth: OAuthClient;
  userId: string;
  accountId: string;
  /** Switches faults on. */
  strike(faults: readonly FaultSwitch[]): void;
  /** How often a sync has begun at its beginning, which is the account. */
  beginnings(): number;
}

/** Of kinds that strike later pages only, the second page is the first; but TikTok's look all the same. */
function skipped(platform: Platform, kind: FaultSwitch["kind"], page: number): number {
  const isLater = kind === "duplicate_item" || kind === "cursor_expired";
  return Math.max(0, isLater && platform !== "tiktok" ? page - 2 : page - 1);
}

/** The parts of a worker that speak for a service, loaded with the stack's keys. */
export async function openService() {
  const stack = await readStack();
  Deno.env.set("SUPABASE_URL", stack.api_url);
  Deno.env.set("SUPABASE_SECRET_KEYS", JSON.stringify({ default: stack.secret_key }));
  Deno.env.set("SUPABASE_PUBLISHABLE_KEYS", JSON.stringify({ default: stack.publishable_key }));
  const { serviceDb } = await import("../../functions/_shared/db.ts");
  const { tokenStore } = await import("../../functions/_shared/platforms/token_store.ts");
  const { createConnections } = await import("../../functions/_shared/platforms/connections.ts");
  return { db: serviceDb(), tokenStore, createConnections };
}

/** Opens the platform and connects the account; both are gone when `run` is over. */
export async function withAccount(
  sql: postgres.Sql,
  platform: Platform,
  isYoung: boolean,
  run: (world: AccountWorld) => Promise<void>,
): Promise<void> {
  const { open, pageSize } = subjects[platform]!;
  const opened = await open(ITEMS);
  await using simulator = opened.simulator;
  // An Instagram token of the same day cannot be renewed.
  if (platform === "instagram" && !isYoung) simulator.world.clockOffset = DAY_SECONDS * 1_000;
  const userId = crypto.randomUUID();
  const tokens = { access_token: opened.token, refresh_token: opened.refreshToken };
  await sql`insert into auth.users (id, email) values (${userId}, ${`${userId}@tests.invalid`})`;
  try {
    const accountId = await sql.begin(async (sql) => {
      const [account] = await sql<{ id: string }[]>`
        select public.connect_platform_account(${userId}, ${platform},
          ${sql.json({ platform_account_id: crypto.randomUUID() })}, ${sql.json(tokens)},
          '{read}', now() + interval '1 hour') as id`;
      // Nobody but the test syncs it.
      await sql`update public.social_account set sync_mode = 'manual' where id = ${account!.id}`;
      return account!.id;
    });
    await run({
      ...opened,
      platform,
      pageSize,
      oauth: clients[platform](simulator.url),
      userId,
      accountId,
      beginnings: () =>
        simulator.world.requests.list(places[platform].account, null, 0)
          .filter(({ path }) => path === places[platform].account).length,
      strike: (faults) => {
        for (const { at, page, ...fault } of faults) {
          const skip = skipped(platform, fault.kind, page ?? 1);
          const path = places[platform][at];
          simulator.world.faults.add(faultSchema.parse({ ...fault, path, skip }));
        }
      },
    });
  } finally {
    await sql`delete from auth.users where id = ${userId}`;
  }
}
