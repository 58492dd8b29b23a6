import type {
  BatchSummary,
  ChildResult,
  ClaimedJob,
  HeartbeatReply,
  JobStore,
} from "./job_store.ts";
import { listenProven } from "./listen.ts";
import { NotJson, Pool } from "./pool.ts";

/** Where the worker's connection leads, and what it may use there. */
export interface StoreOptions {
  url: string;
  /** How long opening LISTEN and a notification sent to ourselves may take before we poll instead. */
  listenProofMs?: number;
  /** How long any call may take; see {@link Pool}. */
  callTimeoutMs?: number;
}

/**
 * A worker's heartbeat must have a second chance before the shortest lease is over, and before the
 * database takes the worker for dead (6 s).
 */
const HEARTBEAT_TIMEOUT_MS = 4_000;

/** The server gives up this much earlier than we do: then the connection is good again. */
const SERVER_HEAD_START_MS = 500;

/** The job tables over one small pool. The only file of the worker that holds SQL. */
export function openStore(
  { url, listenProofMs = 3_000, callTimeoutMs = 10_000 }: StoreOptions,
): JobStore {
  const pooled = isTransactionPooler(url);
  const serverTimeoutMs = callTimeoutMs - SERVER_HEAD_START_MS;
  const pool = new Pool({ url, pooled, serverTimeoutMs, maxConnections: 2 });
  // On a connection of their own claims pass whatever else is under way, and two stay in order: the
  // server begins the next one when it has answered the last, whatever we are busy with.
  const claims = new Pool({ url, pooled, serverTimeoutMs, maxConnections: 1 });
  const sql = pool.tag(callTimeoutMs);
  const claimSql = claims.tag(callTimeoutMs);
  const urgentSql = pool.tag(HEARTBEAT_TIMEOUT_MS);
  const json = (value: unknown) => pool.json(value);
  const orNull = (value: unknown) => value === undefined ? null : json(value);

  return {
    async claim(workerId, limit, types) {
      return await claimSql<ClaimedJob[]>`
        select id, user_id, job_type, params, checkpoint, nullif(progress_percent, 0) as progress_percent,
               nullif(retry_count, 0) as retry_count, nullif(crash_count, 0) as crash_count,
               parent_job_id, fencing_token, lease_ms
        from private.take_jobs(${workerId}, ${limit}, ${listOf(types)})`;
    },

    async heartbeat(beat) {
      const [row] = await urgentSql<{ reply: HeartbeatReply }[]>`
        select public.heartbeat(
          ${beat.worker_id}, ${
        json(beat.leases)
      }, ${beat.capacity}, ${beat.in_flight}, ${beat.region}
        ) as reply`;
      return row!.reply;
    },

    async unregister(workerId) {
      await sql`select public.unregister_worker(${workerId})`;
    },

    async saveProgress(lease, { percent, message = null }) {
      const [row] = await sql<{ written: boolean }[]>`
        select public.update_job_progress(
          ${lease.job_id}, ${percent}, ${message}, ${lease.fencing_token}
        ) as written`;
      return row!.written;
    },

    async saveCheckpoint(lease, checkpoint, progress) {
      const [row] = await sql<{ written: boolean }[]>`
        select public.save_job_checkpoint(
          ${lease.job_id}, ${lease.fencing_token}, ${json(checkpoint)},
          ${progress?.percent ?? null}, ${progress?.message ?? null}
        ) as written`;
      return row!.written;
    },

    async complete(jobs) {
      const ids = listOf(jobs.map(({ job_id }) => job_id));
      const tokens = listOf(jobs.map(({ fencing_token }) => fencing_token));
      const hasResults = jobs.some(({ result }) => result !== null && result !== undefined);
      const results = hasResults ? json(jobs.map(({ result }) => result)) : null;
      const [row] = await sql<{ refused: string }[]>`
        select private.complete_by_id(${ids}, ${tokens}, ${results}) as refused`;
      return new Set(itemsOf(row!.refused));
    },

    async fail(jobs) {
      const rows = await sql<{ job_id: string; status: string }[]>`
        select job_id, status from public.fail_jobs(${json(jobs)}) where status is not null`;
      return new Map(rows.map((row) => [row.job_id, row.status]));
    },

    async giveBack(jobs) {
      const rows = await sql<{ job_id: string }[]>`
        select job_id from public.yield_jobs(${json(jobs)}) where recorded`;
      return new Set(rows.map((row) => row.job_id));
    },

    async waitForChildren(wait) {
      const [row] = await sql<{ status: string | null }[]>`
        select public.wait_for_children(
          ${wait.job_id}, ${wait.fencing_token}, ${wait.on_child_failure}, ${wait.when_done},
          ${orNull(wait.checkpoint)}
        ) as status`;
      return row!.status;
    },

    async createChildren(lease, children, checkpoint) {
      try {
        const rows = await sql<{ outcome: "created" | "joined" }[]>`
          select outcome from public.create_child_jobs(
            ${lease.job_id}, ${lease.fencing_token}, ${json(children)}, ${orNull(checkpoint)}
          )`;
        return rows.map(({ outcome }) => outcome);
      } catch (error) {
        if ((error as { hint?: unknown }).hint === "LEASE_LOST") return null;
        throw error;
      }
    },

    async readBatch(parentId) {
      const [batch] = await sql<BatchSummary[]>`
        select total, completed, failed, cancelled
        from public.job_batch where parent_job_id = ${parentId}`;
      return batch ?? { total: 0, completed: 0, failed: 0, cancelled: 0 };
    },

    async readChildren(parentId, after, limit) {
      const rows = await sql<(ChildResult & { dedupe_key: string })[]>`
        select id as job_id, case when starts_with(dedupe_key, 'key:') then substr(dedupe_key, 5) end as key,
               job_type, status, error_code, result, dedupe_key
        from public.job_queue
        where parent_job_id = ${parentId} and (${after}::text is null or dedupe_key > ${after})
        order by dedupe_key
        limit ${limit}`;
      const children = rows.map(({ dedupe_key: _, ...child }) => child);
      return { children, next: rows.length < limit ? null : rows.at(-1)!.dedupe_key };
    },

    async addLogs(lines) {
      await sql`select public.add_job_logs(${json(lines)})`;
    },

    async hasDueWork() {
      const [row] = await sql<{ is_due: boolean }[]>`
        select private.oldest_due_at() is not null as is_due`;
      return row!.is_due;
    },

    async ringDoorbell() {
      await sql`select private.ring_doorbell() where private.oldest_due_at() is not null`;
    },

    listen: async (onReady) => pooled ? null : await listenProven(url, onReady, listenProofMs),

    isBadInput,

    async close() {
      await Promise.all([pool.close(), claims.close()]);
    },
  };
}

/** Supabase's transaction pooler listens on 6543; `pgbouncer=true` is how other tools mark one. */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === "6543" || searchParams.get("pgbouncer") === "true";
}

/** A PostgreSQL array of names, ids or numbers: values that need no quotes. */
function listOf(values: readonly (string | number)[]): string {
  return `{${values.join()}}`;
}

function itemsOf(list: string): string[] {
  return list === "{}" ? [] : list.slice(1, -1).split(",");
}

/** Classes 22 (data) and 54 (limits), constraint violations, and our own PT4xx refusals. */
function isBadInput(error: unknown): boolean {
  if (error instanceof NotJson) return true;
  const code = (error as { code?: unknown })?.code;
  return typeof code === "string" && /^(22|23|54)\w{3}$|^PT4\d\d$/.test(code);
}
