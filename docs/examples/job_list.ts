/**
 * All jobs of a user on one topic: what a list of jobs needs, instead of one topic per row.
 * @module
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { fromBroadcast, type JobState } from "./job_state.ts";
import { listen } from "./live_topic.ts";

const askEveryMs = 5_000;

/**
 * Keeps the newest state of each job and shows them after every change. `load` reads the list, as
 * `job-list` or a query on `job_queue` answers it: after every join, and every few seconds while the
 * socket is down. Returns what ends it.
 */
export function watchJobList(
  client: SupabaseClient,
  userId: string,
  load: () => Promise<readonly JobState[]>,
  show: (jobs: readonly JobState[]) => void,
): () => void {
  const known = new Map<string, JobState>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLive = false;
  let isStopped = false;

  const learn = (states: readonly JobState[]) => {
    for (const state of states) {
      if (state.seq >= (known.get(state.id)?.seq ?? -1)) known.set(state.id, state);
    }
    if (!isStopped) show([...known.values()]);
  };
  const ask = async () => {
    clearTimeout(timer);
    await load().then(learn, () => {});
    clearTimeout(timer);
    if (!isLive && !isStopped) timer = setTimeout(ask, askEveryMs);
  };
  const listening = listen(client, `user_jobs:${userId}`, {
    onMessage(payload) {
      const { job_id } = payload as { job_id: string };
      const state = fromBroadcast(payload, known.get(job_id) ?? null);
      if (state) learn([state]);
    },
    onLive(live) {
      isLive = live;
      ask();
    },
  });
  ask();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    listening.stop();
  };
}
