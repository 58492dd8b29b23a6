/**
 * A job in a React component:
 *
 * ```tsx
 * const { job, connection, refresh } = useJob(supabase, jobId);
 * if (!job) return <p>…</p>;
 * return <progress max={100} value={job.percent}>{job.message}</progress>;
 * ```
 * @module
 */
// @ts-types="@types/react"
import { useMemo, useSyncExternalStore } from "react";
import type { SupabaseClient } from "@supabase/supabase-js";
import { jobSource } from "./job_source.ts";
import { type JobView, JobWatcher, unknownJob } from "./job_watcher.ts";

const nobody = () => () => {};
const unknown = () => unknownJob;

/** The state of a job, as it changes; null watches nothing. Give it one client, made once. */
export function useJob(
  client: SupabaseClient,
  jobId: string | null,
): JobView & { readonly refresh: () => void } {
  const watcher = useMemo(
    () => jobId === null ? null : new JobWatcher(jobSource(client), jobId),
    [client, jobId],
  );
  const view = useSyncExternalStore(
    watcher?.subscribe ?? nobody,
    watcher?.getSnapshot ?? unknown,
    unknown,
  );
  return { ...view, refresh: watcher?.refresh ?? (() => {}) };
}
