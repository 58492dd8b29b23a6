import postgres, { type Sql } from "postgres";
import * as z from "zod";
import { systemClock } from "../../supabase/functions/_shared/jobs/clock.ts";
import { defineJob } from "../../supabase/functions/_shared/jobs/define_job.ts";
import { defaultOptions } from "../../supabase/functions/_shared/jobs/options.ts";
import { openStore } from "../../supabase/functions/_shared/jobs/store.ts";
import { noDb } from "../../supabase/functions/_shared/jobs/testing.ts";
import { Worker } from "../../supabase/functions/_shared/jobs/worker.ts";
import { createLogger, type Logger } from "../../supabase/functions/_shared/log.ts";
import { asPostgres } from "../lab/as_postgres.ts";
import type { OpenQueue } from "./contract.ts";
import { LastFirst } from "./last_first.ts";
import {
  createMany,
  jobType,
  loadBacklog,
  ownerOf,
  prepareDatabase,
} from "./streamvibe_backlog.ts";

const anHour = 3_600_000;
const silent: Logger = {
  debug() {},
  info() {},
  warning: (message, fields) => console.error(message, fields),
  error: (message, fields) => console.error(message, fields),
  with: () => silent,
};

/**
 * Our own worker and store, on the product's schema. Bare: jobs of the system. Full: jobs of users,
 * created under their rights, every change broadcast, one JSON line per job. Logged: and one line
 * in each job's own log.
 */
export const openQueue: OpenQueue = (adminUrl, { mode = "bare" }) => {
  // As the worker's connection is on the platform.
  const url = asPostgres(adminUrl);
  const owned = mode !== "bare";
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  const clients = new LastFirst(url, 8);

  return {
    install: () => prepareDatabase(admin, owned),

    async enqueue(n) {
      await clients.run(async (sql) => {
        if (owned) await createAsUser(sql, n);
        else await sql`select public.create_job(null, ${jobType}, ${sql.json({ n })})`;
      });
    },

    async enqueueBulk(first, count) {
      const jobs = Array.from({ length: count }, (_, i) => ({
        n: first + i,
        owner: owned ? ownerOf(first + i) : null,
      }));
      await clients.run((sql) => createMany(sql, jobs));
    },

    load: (backlog) => loadBacklog(admin, backlog, owned),

    async work(handle) {
      const store = openStore({ url });
      const worker = new Worker({
        id: `worker-${crypto.randomUUID()}`,
        store,
        jobs: [noop(handle, mode === "logged")],
        deps: {},
        db: noDb,
        clock: systemClock,
        logger: owned ? createLogger({ function: "job-processor" }) : silent,
        options: { ...defaultOptions, concurrency: 2000, budget_ms: anHour, linger_ms: anHour },
        limits: { cpu_ms: null, memory_bytes: null },
        region: null,
      });
      const life = worker.run();
      await Promise.resolve();
      return async () => {
        await worker.shutdown();
        await life;
        await store.close();
      };
    },

    async isDrained() {
      const [row] = await admin`
        select case
          when exists (select from private.lanes_with_work(${[
        jobType,
      ]})) or private.has_unwritten() then false
          else not exists (select from private.count_all_jobs() where status = 'processing')
        end as drained`;
      return row!.drained;
    },

    async contents() {
      const [row] = await admin`
        select count(*) filter (where status in ('pending', 'processing'))::int as waiting,
          count(*) filter (where status = 'completed')::int as finished
        from public.job_queue`;
      return { waiting: row!.waiting, finished: row!.finished };
    },

    async close() {
      await Promise.all([admin.end(), clients.close()]);
    },
  };
};

function noop(handle: (n: number) => void, logs: boolean) {
  return defineJob({
    type: jobType,
    params: z.object({ n: z.int() }),
    checkpoint: z.never(),
    result: z.null(),
    run(ctx) {
      handle(ctx.params.n);
      if (logs) ctx.log.info("Done");
      return Promise.resolve(null);
    },
  });
}

/** In one transaction under the user's own role, as the data API does it. */
async function createAsUser(sql: Sql, n: number): Promise<void> {
  const owner = ownerOf(n);
  const claims = JSON.stringify({ sub: owner, role: "authenticated" });
  await sql.begin((tx) => [
    tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)`,
    tx`select public.create_job(${owner}, ${jobType}, ${tx.json({ n })})`,
  ]);
}
