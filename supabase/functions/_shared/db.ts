/**
 * Clients for the data API: as a user, as anybody, as the service.
 *
 * The query client of supabase-js on its own: functions need no auth, storage or realtime client, and
 * importing all of supabase-js costs a cold start 98 ms (this: 10 ms; Deno 2.9, no code cache).
 */

import { PostgrestClient } from "@supabase/postgrest-js";
import type { Database } from "./database.types.ts";
import { platformEnv } from "./env.ts";
import { AppError } from "./errors.ts";

/** A typed client: `from`, `rpc`, `schema` as in supabase-js. */
export type Db = PostgrestClient<Database>;

/** Longer than the data API's own statement timeout for users (8 s). */
const TIMEOUT_MS = 15_000;

let service: Db | undefined;

/** Acts as the service role: row level security does not apply. One per worker. */
export function serviceDb(): Db {
  return service ??= connect(platformEnv().secretKey);
}

/** Acts as the user whose token this is: row level security decides. */
export function userDb(token: string): Db {
  return connect(platformEnv().publishableKey, token);
}

/** Acts as anybody (role `anon`). */
export function anonDb(): Db {
  return connect(platformEnv().publishableKey);
}

function connect(key: string, token?: string): Db {
  // An sb_ key is not a JWT and belongs into `apikey` only; the older keys are both.
  const bearer = token ?? (key.startsWith("sb_") ? undefined : key);
  return new PostgrestClient<Database>(`${platformEnv().supabaseUrl}/rest/v1`, {
    headers: { apikey: key, ...(bearer && { authorization: `Bearer ${bearer}` }) },
    timeout: TIMEOUT_MS,
    // A caller or a job tries again; doing it here as well would hide for how long it waited.
    retry: false,
    fetch: reach,
  });
}

/** Tells "no answer" from a mistake of ours, which is also a TypeError. An abort stays an abort. */
async function reach(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(input, init);
  } catch (cause) {
    if (cause instanceof TypeError) throw new AppError("SERVICE_UNAVAILABLE", { cause });
    throw cause;
  }
}
