import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { AppError } from "../_shared/errors.ts";
import { ok } from "../_shared/reply.ts";

/** Cancels one of the caller's jobs, at once. Cancelling it again changes nothing. */
export default {
  fetch: endpoint({
    name: "job-cancel",
    caller: "user",
    methods: ["POST"],
    body: z.strictObject({ job_id: z.guid() }),
  }, async ({ db, body: { job_id } }) => {
    const { data: cancelled } = await db.rpc("cancel_job", { p_job_id: job_id }).throwOnError();
    if (!cancelled) {
      const { data: job } = await db
        .from("job_queue").select("status").eq("id", job_id).single().throwOnError();
      if (job.status !== "cancelled") {
        throw new AppError("JOB_NOT_CANCELLABLE", { details: { status: job.status } });
      }
    }
    return ok({ job_id, status: "cancelled", cancelled });
  }),
};
