import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { linkEnv } from "../_shared/env.ts";
import { AppError } from "../_shared/errors.ts";
import { whereToWatch } from "../_shared/job_view.ts";
import { accepted } from "../_shared/reply.ts";

const Body = z.strictObject({
  /** May be left out by who has connected one channel. */
  social_account_id: z.guid().optional(),
  max_results: z.int().min(1).max(20_000).optional(),
});

/** Asks for a sync of a connected channel; a job that is already under way is joined. */
export default {
  fetch: endpoint({
    name: "sync-youtube",
    caller: "user",
    methods: ["POST"],
    body: Body,
    needs: [linkEnv],
    // Counted by request_sync(), which the data API reaches as well.
    rateLimit: false,
  }, async ({ db, body }) => {
    const { data } = await db.rpc("request_sync", {
      p_platform: "youtube",
      p_social_account_id: body.social_account_id,
      p_max_results: body.max_results,
    }).throwOnError();
    const job = data[0];
    if (!job) throw new AppError("INTERNAL_ERROR", { cause: "request_sync() returned no row" });
    return accepted({ ...job, ...whereToWatch(job.job_id) });
  }),
};
