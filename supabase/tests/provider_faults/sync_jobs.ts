/** A sync as a worker would run it, one attempt at a time, over the real queue and the real tables. */
import type postgres from "postgres";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { createContentStore } from "../../functions/_shared/jobs/content_store.ts";
import { JobRun } from "../../functions/_shared/jobs/job_run.ts";
import { LogBuffer } from "../../functions/_shared/jobs/log_buffer.ts";
import { runHandler } from "../../functions/_shared/jobs/run_handler.ts";
import { Settler } from "../../functions/_shared/jobs/settler.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { defineSync } from "../../functions/_shared/jobs/sync_content.ts";
import type { SyncDeps } from "../../functions/_shared/jobs/sync_state.ts";
import { createQuotaLedger } from "../../functions/_shared/platforms/provider_quota.ts";
import { allPlatforms } from "./rows.ts";
import { type AccountWorld, openService } from "./worlds.ts";

/** A job as the queue has it. */
export interface JobRow {
  status: string;
  error_code: string | null;
  retry_count: number;
  /** From the end of the last run to the next. */
  wait_seconds: number;
  progress_message: string | null;
  result: Record<string, unknown> | null;
}

function throws(error: unknown): never {
  throw error;
}

/** Job types like those of the syncs, and a quota, that no other worker knows. */
export async function openSyncs(sql: postgres.Sql, url: string) {
  const mark = `faults_${crypto.randomUUID().slice(0, 8)}`;
  const service = await openService();
  const store = openStore({ url });
  const clock = systemClock;
  const typeOf = (platform: string) => `${mark}_${platform}`;
  for (const platform of allPlatforms) {
    await sql`
      insert into public.job_type
      select (jsonb_populate_record(type, jsonb_build_object('name', ${typeOf(platform)}::text))).*
      from public.job_type as type where name = ${`sync_${platform}`}`;
  }

  /** What all syncs share, but with a quota of this account's own. */
  function partsOf({ platform, source, oauth }: AccountWorld) {
    const cost = source.cost && { ...source.cost, bucket: `${mark}_${crypto.randomUUID()}` };
    const deps: SyncDeps = {
      connections: service.createConnections({
        store: service.tokenStore,
        platforms: { [platform]: { oauth } },
        now: Date.now,
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      }),
      content: createContentStore(service.db),
      quota: createQuotaLedger(service.db),
    };
    return { definition: defineSync({ ...source, platform, cost }), deps, bucket: cost?.bucket };
  }

  /** The one job of its type; for a moment the queue may be at its own work with it. */
  async function take(type: string) {
    for (let tries = 0; tries < 50; tries++) {
      const [job] = await store.claim(mark, 1, [type]);
      if (job) return job;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("The job is not to be had");
  }

  return {
    /** A new job for the account, and its runs. */
    async start(world: AccountWorld) {
      const { definition, deps, bucket } = partsOf(world);
      const type = typeOf(world.platform);
      const params = sql.json({ social_account_id: world.accountId });
      const [job] = await sql<{ id: string }[]>`
        insert into public.job_queue (user_id, job_type, params, max_retries)
        select ${world.userId}, name, ${params}, max_retries
        from public.job_type where name = ${type} returning id`;
      const id = job!.id;

      return {
        id,
        /** One run, due or not. */
        async run(): Promise<JobRow> {
          await sql`update public.job_queue set scheduled_for = now() where id = ${id}`;
          // Nobody asks while the quota is known to be used up: here is the next day.
          if (bucket) {
            await sql`
              update private.provider_quota set exhausted_until = null where bucket = ${bucket}`;
          }
          const claimed = await take(type);
          const logs = new LogBuffer(store, clock, 0);
          const run = new JobRun(claimed, {
            store,
            clock,
            db: service.db,
            progressIntervalMs: 0,
            remaining: () => 60_000,
            logs,
            onTrouble: throws,
          });
          const ended = await runHandler(definition, run, deps);
          await run.flush();
          run.close();
          await new Promise<void>((resolve) => {
            new Settler({
              store,
              clock,
              windowMs: 0,
              maxBatch: 1,
              company: () => false,
              notYet: () => Promise.resolve(new Set<string>()),
              onRecorded: () => resolve(),
              onTrouble: throws,
            }).settle(ended);
          });
          const [row] = await sql<JobRow[]>`
            select status, error_code, retry_count, progress_message, result,
              extract(epoch from scheduled_for - updated_at)::float8 as wait_seconds
            from public.job_queue where id = ${id}`;
          return row!;
        },
        /** Whether the other jobs of the platform know that the quota is used up. */
        async isQuotaKnownAsUsedUp(): Promise<boolean> {
          const rows = await sql`
            select from private.provider_quota
            where bucket = ${bucket ?? ""} and exhausted_until > now()`;
          return rows.length === 1;
        },
      };
    },

    async [Symbol.asyncDispose]() {
      await sql`delete from public.job_queue where starts_with(job_type, ${mark})`;
      await sql`delete from public.job_type where starts_with(name, ${mark})`;
      await sql`delete from private.provider_quota where starts_with(bucket, ${mark})`;
      await store.close();
    },
  };
}

/** Syncs of one test file. */
export type Syncs = Awaited<ReturnType<typeof openSyncs>>;
