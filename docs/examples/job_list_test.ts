import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { until } from "./fake_source.ts";
import { watchJobList } from "./job_list.ts";
import { fromStatus, type JobState } from "./job_state.ts";
import { jobTest } from "./watched_job.ts";

/** The newest jobs as row level security shows them to the user. */
async function load(client: SupabaseClient): Promise<JobState[]> {
  const { data } = await client.from("job_queue")
    .select("id, type:job_type, status, seq, percent:progress_percent, result")
    .is("parent_job_id", null).order("created_at", { ascending: false }).limit(20).throwOnError();
  return data.map((row) => fromStatus({ job: { ...row, progress: { percent: row.percent } } })!);
}

jobTest("a list follows every job of its user on one topic, new ones too", async (job, client) => {
  let shown: readonly JobState[] = [];
  const stop = watchJobList(client, job.person.id, () => load(client), (jobs) => shown = jobs);
  const text = () => shown.map(({ status, percent }) => `${status} ${percent}`).join(", ");
  await until(() => text() === "processing 0", text);
  await until(() => client.getChannels().length === 1 && client.realtime.isConnected(), text);

  await job.sql`select public.create_job(${job.person.id}, ${job.jobType})`;
  await job.progress(30);
  await until(() => text() === "processing 30, pending 0", text);

  job.sockets.at(-1)!.close();
  await job.complete();
  await until(() => text() === "completed 100, pending 0", text);
  assert.equal(client.getChannels().length, 1);
  stop();
});
