/** `sync-<platform>`: asks for a sync of a connected account; a job that is already under way is joined. */

import * as z from "zod";
import { endpoint } from "./endpoint.ts";
import { linkEnv } from "./env.ts";
import { AppError } from "./errors.ts";
import { whereToWatch } from "./job_view.ts";
import { accepted } from "./reply.ts";

const Body = z.strictObject({
  /** May be left out by who has connected one account of the platform. */
  social_account_id: z.guid().optional(),
  max_results: z.int().min(1).max(20_000).optional(),
});

/** The function of a platform. */
export function syncEndpoint(platform: string) {
  return endpoint({
    name: `sync-${platform}`,
    caller: "user",
    methods: ["POST"],
    body: Body,
    needs: [linkEnv],
    // Counted by request_sync(), which the data API reaches as well.
    rateLimit: false,
  }, async ({ db, body }) => {
    const { data } = await db.rpc("request_sync", {
      p_platform: platform,
      p_social_account_id: body.social_account_id,
      p_max_results: body.max_results,
    }).throwOnError();
    const job = data[0];
    if (!job) throw new AppError("INTERNAL_ERROR", { cause: "request_sync() returned no row" });
    return accepted({ ...job, ...whereToWatch(job.job_id) });
  });
}
