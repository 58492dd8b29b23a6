import { ProviderError } from "../platforms/provider_error.ts";
import type { SyncRun } from "./sync_state.ts";

/** Whoever waits for the same reset does not come back in the same second. */
const SPREAD_MS = 10 * 60_000;
/** When a platform does not say when its day begins. */
const UNKNOWN_RESET_MS = 60 * 60_000;

/**
 * Makes a call that costs units of a quota which all users share. When there are none left the job is put
 * off until there are: no retry is counted, and nobody's calls are wasted on asking in between.
 */
export async function spendQuota<T>(
  run: SyncRun,
  kind: "account" | "page",
  call: () => Promise<T>,
): Promise<T> {
  const { deps: { quota }, source: { platform, cost } } = run;
  if (cost) {
    const { allowed, resetsAt } = await quota.reserve(platform, cost.bucket, cost[kind]);
    if (!allowed) putOff(run, resetsAt);
  }
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.class !== "quota_daily") throw error;
    const resetsAt = new Date(Date.now() + (error.retryAfterMs ?? UNKNOWN_RESET_MS));
    if (cost) await quota.reportExhausted(platform, cost.bucket, resetsAt);
    putOff(run, resetsAt);
  }
}

function putOff({ ctx, source: { platform } }: SyncRun, resetsAt: Date): never {
  const time = resetsAt.toISOString().slice(0, 16).replace("T", " ");
  ctx.log.warning("Provider quota used up, waiting for the reset", { platform, resets_at: time });
  ctx.progress(0, `Goes on after ${time} UTC: the daily quota of ${platform} is used up`);
  return ctx.snooze(Math.max(0, resetsAt.getTime() - Date.now()) + Math.random() * SPREAD_MS);
}
