/**
 * Following a job: Realtime tells, and asking now and then covers what it does not.
 * @module
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { answerOf, DemoError } from "./demo_error.ts";
import {
  broadcastShape,
  jobResult,
  type Snapshot,
  statusShape,
  type SyncResult,
} from "./job_snapshot.ts";

const ended: readonly string[] = ["completed", "failed", "cancelled"];

/** How a job was followed to its end. */
export interface Watched {
  readonly result: SyncResult;
  /** Updates that Realtime brought before anybody asked. */
  readonly pushed: number;
  /** Updates that were learned by asking. */
  readonly asked: number;
  /** Milliseconds until the first update by Realtime; null if there was none. */
  readonly firstPush: number | null;
}

/** Settings of {@link watchJob}; tests make them short. */
export interface WatchOptions {
  /** Ask when nothing was heard for this long. */
  readonly quietMs?: number;
  /** Give up when nothing has changed for this long. */
  readonly patienceMs?: number;
}

/** What is known of a job, and how it was learned. */
class Follower {
  latest: Snapshot | null = null;
  pushed = 0;
  asked = 0;
  firstPush: number | null = null;
  lastHeard = performance.now();
  lastChange = this.lastHeard;
  readonly #began = this.lastHeard;
  readonly #show: (percent: number, message: string) => void;
  #wake = () => {};

  constructor(show: (percent: number, message: string) => void) {
    this.#show = show;
  }

  learn(snapshot: Snapshot, byPush: boolean): void {
    this.lastHeard = performance.now();
    // Updates may overtake one another; the one with the higher number is the later one.
    if (this.latest && snapshot.seq <= this.latest.seq) return;
    this.lastChange = this.lastHeard;
    if (byPush) {
      this.pushed++;
      this.firstPush ??= this.lastHeard - this.#began;
    } else this.asked++;
    this.latest = snapshot;
    this.#show(snapshot.percent, snapshot.message ?? snapshot.status);
    this.wake();
  }

  wake(): void {
    this.#wake();
  }

  /** Waits until something is heard, no longer than this. */
  async waitFor(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}

/** Follows a job to its end and shows each step of it. */
export async function watchJob(
  client: SupabaseClient,
  job: { id: string; channel: string },
  show: (percent: number, message: string) => void,
  { quietMs = 2_000, patienceMs = 60_000 }: WatchOptions = {},
): Promise<Watched> {
  const follower = new Follower(show);
  const channel = client.channel(job.channel, { config: { private: true } });
  channel.on("broadcast", { event: "job_update" }, ({ payload }) => {
    const told = broadcastShape.safeParse(payload);
    if (told.success) follower.learn(told.data, true);
  });
  // Whatever happened before the subscription stood is asked for once; it is not sent again.
  channel.subscribe((status) => {
    if (status === "SUBSCRIBED") follower.lastHeard = -Infinity;
    follower.wake();
  });
  try {
    for (;;) {
      const { latest, pushed, asked, firstPush } = follower;
      if (latest && ended.includes(latest.status)) {
        return { result: resultOf(latest), pushed, asked, firstPush };
      }
      const now = performance.now();
      if (now - follower.lastChange > patienceMs) {
        throw new DemoError(
          `The job is ${latest?.status ?? "unknown"} and nothing has changed for ` +
            `${Math.round(patienceMs / 1_000)} s; the log of job-processor may say why.`,
        );
      }
      const quietLeft = quietMs - (now - follower.lastHeard);
      if (quietLeft > 0) await follower.waitFor(quietLeft);
      else follower.learn(await statusOf(client, job.id), false);
    }
  } finally {
    await client.removeChannel(channel);
  }
}

function statusOf(client: SupabaseClient, jobId: string): Promise<Snapshot> {
  const path = `job-status?job_id=${jobId}`;
  const call = client.functions.invoke(path, { method: "GET" });
  return answerOf("job-status", call, statusShape);
}

function resultOf(state: Snapshot): SyncResult {
  if (state.status !== "completed") {
    throw new DemoError(`The job ended ${state.status}${state.error ? ` (${state.error})` : ""}.`);
  }
  const result = jobResult.safeParse(state.result);
  if (!result.success) throw new DemoError("The job completed with a result nobody understands.");
  return result.data;
}
