import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { until } from "./fake_source.ts";
import { watchJobList } from "./job_list.ts";
import { fromStatus, type JobState } from "./job_state.ts";
import { jobTest } from "./watched_job.ts";

/** The newest twenty jobs. */
async function load(client: SupabaseClient): Promise<JobState[]> {
  const { data, error } = await client.functions.invoke("job-list?limit=20", { method: "GET" });
  if (error) throw error;
  return data.jobs.map((job: unknown) => fromStatus({ job }));
}

jobTest(
  "a list follows every job of its user on one topic, new ones too, and no children",
  async (job, client) => {
    let shown: readonly JobState[] = [];
    const stop = watchJobList(client, job.person.id, () => load(client), (jobs) => shown = jobs);
    const text = () => shown.map(({ status, percent }) => `${status} ${percent}`).join(", ");
    await until(() => text() === "processing 0", text);
    await until(() => client.getChannels().length === 1 && client.realtime.isConnected(), text);

    await job.sql`select public.create_job(${job.person.id}, ${job.jobType})`;
    await job.progress(30);
    await until(() => text() === "pending 0, processing 30", text);
    await job.addChild();

    job.page.sockets.at(-1)!.close();
    await job.complete();
    await until(() => text() === "pending 0, completed 100", text);
    assert.equal(client.getChannels().length, 1);
    stop();
  },
);
