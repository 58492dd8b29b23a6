import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { AppError } from "../_shared/errors.ts";
import { ok } from "../_shared/reply.ts";
import { describeJob, JOB_COLUMNS } from "./describe_job.ts";

/** The state of one of the caller's jobs. Row level security decides whose it is. */
export default {
  fetch: endpoint({
    name: "job-status",
    caller: "user",
    methods: ["GET"],
    query: z.object({ job_id: z.guid() }),
    cacheControl: "private, no-cache",
  }, async ({ db, query }) => {
    const { data: job } = await db
      .from("job_queue").select(JOB_COLUMNS).eq("id", query.job_id).maybeSingle().throwOnError();
    if (!job) throw new AppError("JOB_NOT_FOUND");
    return ok({ job: describeJob(job, Date.now()) });
  }),
};
