import * as z from "zod";
import type { Db } from "../_shared/db.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { AppError } from "../_shared/errors.ts";
import { ok } from "../_shared/reply.ts";
import { BATCH_COLUMNS, CHILD_COLUMNS, describeJob, JOB_COLUMNS } from "./describe_job.ts";

const CHILDREN_SHOWN = 50;

/** The state of one of the caller's jobs. Row level security decides whose it is. */
export default {
  fetch: endpoint({
    name: "job-status",
    caller: "user",
    methods: ["GET"],
    query: z.object({ job_id: z.guid() }),
    cacheControl: "private, no-cache",
  }, async ({ db, query: { job_id } }) => {
    const [{ data: job }, { data: batch }] = await Promise.all([
      db.from("job_queue").select(JOB_COLUMNS).eq("id", job_id).maybeSingle().throwOnError(),
      db.from("job_batch").select(BATCH_COLUMNS).eq("parent_job_id", job_id).maybeSingle()
        .throwOnError(),
    ]);
    if (!job) throw new AppError("JOB_NOT_FOUND");
    const children = batch ? await readChildren(db, job_id) : [];
    return ok({ job: describeJob({ job, batch, children }, Date.now()) });
  }),
};

/** By key, as the index has them: the same ones at every look, whatever the size of the batch. */
async function readChildren(db: Db, parentJobId: string) {
  const { data } = await db
    .from("job_queue").select(CHILD_COLUMNS).eq("parent_job_id", parentJobId)
    .order("dedupe_key").limit(CHILDREN_SHOWN).throwOnError();
  return data;
}
