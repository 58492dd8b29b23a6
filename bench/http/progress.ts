import type { StackInfo } from "../../local/stack/info.ts";
import { percentile } from "../statistics.ts";
import type { Api } from "./api.ts";
import type { Crowd } from "./crowd.ts";
import type { HttpResults } from "./http_results.ts";
import { Watcher } from "./watcher.ts";

/** As many as one worker runs at once. */
const owners = 8;
const steps = { steps: 25, step_ms: 200 };

/**
 * From a worker's write to the owner's client: eight owners watch a job each, which writes five
 * times a second. The moment of the write is the start of its transaction, in the database.
 */
export async function measureProgress(
  { api, crowd, stack, results }: {
    api: Api;
    crowd: Crowd;
    stack: StackInfo;
    results: HttpResults;
  },
): Promise<void> {
  const watchers = await Promise.all(
    Array.from({ length: owners }, () => Watcher.join(stack, crowd.take())),
  );
  await Promise.all(watchers.map(async (watcher) => {
    const id = await api.createJob(watcher.creator, steps);
    await watcher.hears(({ jobId, status }) => jobId === id && status === "completed");
  }));
  const lags = watchers.flatMap(({ news }) => news)
    .filter(({ status }) => status === "processing")
    .map(({ writtenAt, heardAt }) => heardAt - writtenAt);
  // Starting, and one for each step.
  if (lags.length < owners * steps.steps) {
    throw new Error(`Owners heard ${lags.length} times of ${owners * steps.steps} steps.`);
  }
  results.add("progress_p50", percentile(lags, 0.5));
  results.add("progress_p95", percentile(lags, 0.95));
  await Promise.all(watchers.map((watcher) => watcher.leave()));
}
