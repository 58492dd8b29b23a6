/** What the words of the table mean, asked of the queue and the tables. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import type { Connection, End, Job, Next } from "./rows.ts";
import type { JobRow } from "./sync_jobs.ts";
import { type AccountWorld, ITEMS } from "./worlds.ts";

const HOUR = 3_600;

/** The words for what the queue made of a run. */
export function jobWord({ status, retry_count }: JobRow): Job {
  if (status === "completed" || status === "failed") return status;
  assert.equal(status, "pending");
  return retry_count === 0 ? "put off" : "tried again";
}

/** Where the hands of a clock in Los Angeles stand then. */
function pacificMinutes(at: number): number {
  const text = new Date(at).toLocaleTimeString("en-GB", { timeZone: "America/Los_Angeles" });
  const [hours, minutes] = text.split(":").map(Number);
  return hours! * 60 + minutes!;
}

const between = (least: number, most: number) => (wait: number) => wait >= least && wait <= most;

/** Whether a wait of so many seconds is the one meant. */
export const waits: Record<Next, (seconds: number) => boolean> = {
  "-": () => true,
  "5 s, doubled each time": between(4, 6),
  "120 s, as told": between(118, 121),
  "1 min": between(58, 61),
  "5 min": between(298, 301),
  "1 h to 1 h 10 min": between(HOUR - 5, HOUR + 601),
  "Pacific midnight, or 10 min later": (seconds) =>
    seconds < 24 * HOUR + 601 && (pacificMinutes(Date.now() + seconds * 1_000) + 1) % 1_440 <= 11,
};

/** The words for how the connection stands. */
export async function connectionWord(sql: postgres.Sql, world: AccountWorld): Promise<Connection> {
  const [row] = await sql<{ status: string; version: number; secrets: number; told: number }[]>`
    select connection.status, token_version as version,
      (select count(*)::int from vault.secrets where name = connection.vault_secret_name) as secrets,
      (select count(*)::int from public.notification as told
        where told.user_id = ${world.userId} and kind = 'connection_revoked') as told
    from public.platform_connection as connection where user_id = ${world.userId}`;
  const { status, version, secrets, told } = row!;
  if (status === "disconnected") {
    assert.deepEqual([secrets, told], [0, 1]);
    return "ended, owner told";
  }
  assert.deepEqual([status, secrets, told], ["active", 1, 0]);
  return version > 1 ? "renewed" : "stays";
}

const none = {
  synced_count: 0,
  new_items: 0,
  updated_items: 0,
  unchanged: 0,
  removed: 0,
  missing: 0,
  failed_count: 0,
};
type Counts = typeof none;

interface Expected {
  /** Null: the job has failed. */
  counts: Partial<Counts> | null;
  stored: (world: AccountWorld) => number;
}

/** Named by the list, and without details: only where these are a call of their own. */
const missed = ({ platform }: AccountWorld) => platform === "youtube" ? 1 : 0;

const synced = (count: number) => ({ synced_count: count, new_items: count });
const others = { stored: () => ITEMS - 1 };
const firstPage = { counts: null, stored: ({ pageSize }: AccountWorld) => pageSize };

const ends: Record<End, Expected> = {
  "all stored, each once": { counts: synced(ITEMS), stored: () => ITEMS },
  "all stored, counts unknown": { counts: synced(ITEMS), stored: () => ITEMS },
  "all others stored": { ...others, counts: synced(ITEMS - 1) },
  "all others stored, one is missing": { ...others, counts: synced(ITEMS - 1) },
  "all others unchanged, one removed": {
    ...others,
    counts: { synced_count: ITEMS - 1, unchanged: ITEMS - 1, removed: 1 },
  },
  "the first page stays, the unit is given back": firstPage,
  "nothing is stored, the unit is given back": { counts: null, stored: () => 0 },
  "failed after 5 more runs, the first page stays, the unit is given back": firstPage,
};

/** Asserts how the job is done, what is stored, and what the owner has paid for it. */
export async function assertEnd(
  sql: postgres.Sql,
  world: AccountWorld,
  jobId: string,
  job: JobRow,
  end: End,
): Promise<void> {
  const { counts, stored } = ends[end];
  assert.equal(job.status, counts === null ? "failed" : "completed", `${job.error_code}`);
  if (counts !== null) {
    const names = Object.keys(none) as (keyof Counts)[];
    const told = Object.fromEntries(names.map((name) => [name, job.result?.[name]]));
    const missing = end.startsWith("all others") ? missed(world) : 0;
    assert.deepEqual(told, { ...none, missing, ...counts });
  }
  if (end.startsWith("failed")) assert.equal(job.retry_count, 5);
  const rows = await sql<{ id: string; likes: string | null }[]>`
    select platform_content_id as id, like_count as likes from public.content_item
    where social_account_id = ${world.accountId} and deleted_at is null`;
  assert.equal(rows.length, stored(world));
  const strangers = new Set(rows.map(({ id }) => id)).difference(new Set(world.ids));
  assert.deepEqual([...strangers], []);
  if (end.endsWith("unknown")) assert.ok(rows.filter(({ likes }) => likes === null).length > 10);
  const [unit] = await sql<{ is_back: boolean }[]>`
    select given_back_at is not null as is_back from private.job_quota where job_id = ${jobId}`;
  assert.equal(unit!.is_back, counts === null);
}
