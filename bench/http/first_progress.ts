import type { Sql } from "postgres";
import type { StackInfo } from "../../local/stack/info.ts";
import type { Api } from "./api.ts";
import type { Crowd } from "./crowd.ts";
import type { HttpResults } from "./http_results.ts";
import { Watcher } from "./watcher.ts";

const job = { steps: 1, step_ms: 50 };

/** From the call that enqueues to the owner's first news of work: with a worker awake, and with none. */
export async function measureFirstProgress(
  { api, crowd, stack, sql, results, awakeGoes, asleepGoes }: {
    api: Api;
    crowd: Crowd;
    stack: StackInfo;
    sql: Sql;
    results: HttpResults;
    awakeGoes: number;
    asleepGoes: number;
  },
): Promise<void> {
  const watcher = await Watcher.join(stack, crowd.take());
  await firstProgress(watcher, api);
  for (let go = 0; go < awakeGoes; go++) {
    results.add("first_progress_awake", await firstProgress(watcher, api));
  }
  for (let go = 0; go < asleepGoes; go++) {
    await untilNoWorkerIsAwake(sql);
    results.add("first_progress_asleep", await firstProgress(watcher, api));
  }
  await watcher.leave();
}

async function firstProgress(watcher: Watcher, api: Api): Promise<number> {
  const started = performance.now();
  const id = await api.createJob(watcher.creator, job);
  await watcher.hears(({ jobId, status }) => jobId === id && status === "processing");
  const took = performance.now() - started;
  await watcher.hears(({ jobId, status }) => jobId === id && status === "completed");
  return took;
}

async function untilNoWorkerIsAwake(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql`select count(*)::int as awake from public.job_worker`;
    if (row!.awake === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
