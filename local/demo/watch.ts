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

/** Follows a job to its end and shows each step of it. */
export async function watchJob(
  client: SupabaseClient,
  job: { id: string; channel: string },
  show: (percent: number, message: string) => void,
  { quietMs = 2_000, patienceMs = 60_000 }: WatchOptions = {},
): Promise<Watched> {
  const began = performance.now();
  let latest: Snapshot | null = null;
  let pushed = 0;
  let asked = 0;
  let firstPush: number | null = null;
  let lastHeard = began;
  let lastChange = began;
  let wake = () => {};

  const learn = (snapshot: Snapshot, byPush: boolean) => {
    lastHeard = performance.now();
    // Updates may overtake one another; the one with the higher number is the later one.
    if (latest && snapshot.seq <= latest.seq) return;
    lastChange = lastHeard;
    if (byPush) {
      pushed++;
      firstPush ??= lastHeard - began;
    } else asked++;
    latest = snapshot;
    show(snapshot.percent, snapshot.message ?? snapshot.status);
    wake();
  };
  const ask = async () => {
    const path = `job-status?job_id=${job.id}`;
    learn(
      await answerOf("job-status", client.functions.invoke(path, { method: "GET" }), statusShape),
      false,
    );
  };

  const channel = client.channel(job.channel, { config: { private: true } });
  channel.on("broadcast", { event: "job_update" }, ({ payload }) => {
    const told = broadcastShape.safeParse(payload);
    if (told.success) learn(told.data, true);
  });
  // Whatever happened before the subscription stood is asked for once; it is not sent again.
  channel.subscribe((status) => {
    if (status === "SUBSCRIBED") lastHeard = -Infinity;
    wake();
  });
  try {
    while (true) {
      const state = latest as Snapshot | null;
      if (state && ended.includes(state.status)) {
        return { result: resultOf(state), pushed, asked, firstPush };
      }
      const now = performance.now();
      if (now - lastChange > patienceMs) {
        throw new DemoError(
          `The job is ${state?.status ?? "unknown"} and nothing has changed for ` +
            `${Math.round(patienceMs / 1_000)} s; the log of job-processor may say why.`,
        );
      }
      if (now - lastHeard >= quietMs) {
        await ask();
        continue;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, quietMs - (now - lastHeard));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    await client.removeChannel(channel);
  }
}

function resultOf(state: Snapshot): SyncResult {
  if (state.status !== "completed") {
    throw new DemoError(`The job ended ${state.status}${state.error ? ` (${state.error})` : ""}.`);
  }
  const result = jobResult.safeParse(state.result);
  if (!result.success) throw new DemoError("The job completed with a result nobody understands.");
  return result.data;
}
