import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { linkEnv } from "../_shared/env.ts";
import { whereToWatch } from "../_shared/job_view.ts";
import { accepted } from "../_shared/reply.ts";

/** Runs one of the caller's jobs again that has failed or was cancelled; it keeps its id. */
export default {
  fetch: endpoint({
    name: "job-retry",
    caller: "user",
    methods: ["POST"],
    body: z.strictObject({ job_id: z.guid() }),
    needs: [linkEnv],
    // Counted by retry_job(), which the data API reaches as well.
    rateLimit: false,
  }, async ({ db, body: { job_id } }) => {
    await db.rpc("retry_job", { p_job_id: job_id }).throwOnError();
    return accepted({ job_id, status: "pending", ...whereToWatch(job_id) });
  }),
};
