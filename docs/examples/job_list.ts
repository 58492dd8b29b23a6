/**
 * All jobs of a user on one topic: what a list of jobs needs, instead of one topic per row.
 * @module
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { fromBroadcast, type JobState } from "./job_state.ts";
import { listen } from "./live_topic.ts";

const pollMs = 5_000;
const mostOftenMs = 1_000;

/**
 * Keeps the newest state of each job and shows them after every change. `load` reads the list, as
 * `job-list` answers it: after every join, when a job is heard of that is not in it, and every few
 * seconds while the socket is down. Returns what ends it.
 */
export function watchJobList(
  client: SupabaseClient,
  userId: string,
  load: () => Promise<readonly JobState[]>,
  show: (jobs: readonly JobState[]) => void,
): () => void {
  let listed: readonly JobState[] = [];
  /** Heard of and not in the list: children of a job, or jobs of a later page. */
  const others = new Set<string>();
  let isLive = false;
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let askAt = Infinity;

  const newest = (state: JobState) => {
    const known = listed.find(({ id }) => id === state.id);
    return known && known.seq > state.seq ? known : state;
  };
  const askIn = (ms: number) => {
    const at = Date.now() + ms;
    if (isStopped || at >= askAt) return;
    askAt = at;
    clearTimeout(timer);
    timer = setTimeout(ask, ms);
  };
  const ask = async () => {
    askAt = Infinity;
    try {
      listed = (await load()).map(newest);
      if (!isStopped) show(listed);
    } catch {
      // The next question may find the server again.
    }
    if (!isLive) askIn(pollMs);
  };
  const hear = (payload: unknown) => {
    const state = fromBroadcast(payload, null);
    if (!state) return;
    const before = listed.find(({ id }) => id === state.id);
    if (before && state.seq > before.seq) {
      const next = { ...state, children: before.children, etaAt: before.etaAt };
      listed = listed.map((job) => job === before ? next : job);
      show(listed);
    } else if (!before && !others.has(state.id)) {
      others.add(state.id);
      askIn(mostOftenMs);
    }
  };

  const listening = listen(client, `user_jobs:${userId}`, {
    onMessage: hear,
    onLive(live) {
      isLive = live;
      askIn(live ? 0 : mostOftenMs);
    },
  });
  askIn(0);
  return () => {
    isStopped = true;
    clearTimeout(timer);
    listening.stop();
  };
}
