import type { World } from "../world.ts";

/** A refused call of the API. */
export class TikTokError extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 429 | 500 | 503,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The id that TikTok's support would ask for. */
export function logId(world: World): string {
  const stamp = new Date(world.now()).toISOString().replace(/\D/g, "").slice(0, 14);
  return `${stamp}${crypto.randomUUID().replaceAll("-", "").slice(0, 20).toUpperCase()}`;
}

/** An answer of the API: `error` is there when all is well, too, and says `ok`. */
export function envelope(world: World, data: object, code = "ok", message = "") {
  return { data, error: { code, message, log_id: logId(world) } };
}

/** 400: what was sent makes no sense. */
export const invalidParams = (message: string) => new TikTokError(400, "invalid_params", message);
