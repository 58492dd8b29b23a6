import type { Context } from "hono";
import { carriedToken } from "../call.ts";
import type { World } from "../world.ts";
import { type Creator, CreatorBook } from "./creators.ts";
import { GrantBook, readToken, type TikTokGrant } from "./grants.ts";
import { CallWindow } from "./call_window.ts";

/** Settings a test may change. */
export interface TikTokSettings {
  access_token_seconds: number;
  refresh_token_seconds: number;
  /** How long a cover's address is good. */
  cover_seconds: number;
  /** Calls that one grant may make of one endpoint in a minute. */
  calls_per_minute: number;
  /** False makes every page but the last a full one. */
  short_pages: boolean;
}

/** What is kept over a restart. */
export interface TikTokRecord {
  creators: Creator[];
  grants: TikTokGrant[];
}

const defaultSettings: Readonly<TikTokSettings> = {
  access_token_seconds: 86_400,
  refresh_token_seconds: 31_536_000,
  cover_seconds: 6 * 3_600,
  calls_per_minute: 600,
  short_pages: true,
};

/** All that the simulated TikTok remembers. */
export class TikTokState {
  readonly creators = new CreatorBook();
  readonly grants = new GrantBook();
  readonly calls = new CallWindow();
  settings: TikTokSettings = { ...defaultSettings };

  /** What must be kept over a restart. */
  record(): TikTokRecord {
    return { creators: this.creators.creators(), grants: this.grants.record() };
  }

  /** Puts back what was kept. */
  restore(record: TikTokRecord): void {
    this.creators.restore(record.creators);
    this.grants.restore(record.grants);
  }

  /** Back to the first day; tokens given out stay good. */
  reset(): void {
    this.creators.restore([]);
    this.calls.clear();
    this.settings = { ...defaultSettings };
  }
}

/** Whom a call is about: the person behind the token or code it carries. */
export async function tiktokAccount(c: Context, world: World): Promise<string | null> {
  const text = await carriedToken(c) ?? "";
  return readToken(text)?.email ?? world.tiktok.grants.pending(text)?.email ?? null;
}
