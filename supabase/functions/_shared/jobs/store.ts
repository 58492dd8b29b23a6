import { readHandOvers } from "./hand_over.ts";
import { type AlikeJobs, jobsOf } from "./alike_jobs.ts";
import type { CrashedJob, HeartbeatReply, JobStore, Lease } from "./job_store.ts";
import { listenProven } from "./listen.ts";
import { isTransactionPooler, Pool } from "./pool.ts";
import { childCalls } from "./store_children.ts";
import { settlingCalls } from "./store_settling.ts";
import { isBadInput, itemsOf, listOf } from "./sql_values.ts";

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

/** The job tables over one small pool. All SQL of the worker is in the files `store….ts`. */
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

  return {
    async claim(workerId, limit, types) {
      const found = await claimSql<AlikeJobs[]>`
        select job_type, checkpoint, nullif(progress_percent, 0) as progress_percent,
               nullif(retry_count, 0) as retry_count, nullif(crash_count, 0) as crash_count,
               parent_job_id, fencing_token, lease_ms, case when count(user_id) > 0 then array_agg(user_id)::text end as user_ids,
               array_agg(id)::text as ids, '[' || string_agg(params::text, ',') || ']' as all_params
        from private.take_jobs(${workerId}, ${limit}, ${listOf(types)}, true, true)
        group by 1, 2, 3, 4, 5, 6, 7, 8`;
      return found.flatMap(jobsOf);
    },

    async claimCrashed(workerId, concurrency, types, group) {
      return await claimSql<CrashedJob[]>`
        select id, user_id, job_type, params, checkpoint, progress_percent, retry_count, crash_count, parent_job_id,
               fencing_token, lease_ms, company
        from private.take_crashed_jobs(
          ${workerId}, ${concurrency}, ${listOf(types)}, ${group?.running ?? 0}, ${
        group?.company ?? null
      })`;
    },

    async readUnheard(workerId, known) {
      return await claimSql<Lease[]>`
        select job_id, fencing_token
        from private.unheard_jobs(${workerId}, ${listOf(known.map(({ job_id }) => job_id))},
          ${listOf(known.map(({ fencing_token }) => fencing_token))})`;
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

    ...settlingCalls(sql, json),
    ...childCalls(sql, json),

    async addLogs(lines) {
      const [row] = await sql<{ held: string }[]>`
        select private.add_free_job_logs(${json(lines)}) as held`;
      return itemsOf(row!.held).map((place) => lines[Number(place) - 1]!);
    },

    async hasDueWork() {
      const [row] = await sql<{ is_due: boolean }[]>`
        select private.oldest_due_at() is not null as is_due`;
      return row!.is_due;
    },

    async ringDoorbell() {
      await sql`select private.ring_doorbell() where private.oldest_due_at() is not null`;
    },

    listen: async (calls) => pooled ? null : await listenProven(url, calls, listenProofMs),

    async goToSleep({ worker_id, channel, types, asleep_at }) {
      const [row] = await sql<{ unheard: unknown }[]>`
        select private.go_to_sleep(${worker_id}, ${channel}, ${
        listOf(types)
      }, ${asleep_at}) as unheard`;
      return readHandOvers(row!.unheard);
    },

    async wakeUp(workerId, at) {
      const [row] = await sql<{ unheard: unknown }[]>`
        select private.wake_up(${workerId}, ${at}) as unheard`;
      return readHandOvers(row!.unheard);
    },

    isBadInput,

    async close() {
      await Promise.all([pool.close(), claims.close()]);
    },
  };
}
