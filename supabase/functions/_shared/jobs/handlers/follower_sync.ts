import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Connections } from "../../platforms/connections.ts";
import type { ContentSource } from "../../platforms/content_source.ts";
import type { QuotaLedger } from "../../platforms/provider_quota.ts";
import type { ContentStore } from "../content_store.ts";
import type { JobContext } from "../context.ts";
import { defineJob } from "../define_job.ts";

const params = z.object({ social_account_id: z.uuid() });

const result = z.object({
  /** `no_quota`: the next round comes soon enough. `ended`: there is no connection any more. */
  outcome: z.enum(["updated", "no_quota", "not_supported", "ended"]),
});

type Context = JobContext<z.output<typeof params>, null>;

/** What the handler needs from outside. */
export interface FollowerSyncDeps {
  connections: Connections;
  content: Pick<ContentStore, "updateAccount">;
  quota: QuotaLedger;
  /** By platform. */
  sources: Readonly<Record<string, ContentSource>>;
}

/** Reads an account without its content: name, picture, followers. */
export const followerSync = defineJob({
  type: "follower_sync",
  params,
  checkpoint: z.null(),
  result,
  async run(ctx: Context, deps: FollowerSyncDeps): Promise<z.input<typeof result>> {
    const { social_account_id } = ctx.params;
    try {
      return await deps.connections.withAccessToken(social_account_id, async (token, platform) => {
        const source = deps.sources[platform];
        if (!source) return { outcome: "not_supported" };
        if (!await mayAsk(source, deps.quota)) return { outcome: "no_quota" };
        const account = await source.readAccount(token, { signal: ctx.signal });
        await deps.content.updateAccount(ctx.lease, social_account_id, account);
        return { outcome: "updated" };
      });
    } catch (error) {
      if (hasEnded(error)) return { outcome: "ended" };
      throw error;
    }
  },
});

async function mayAsk({ platform, cost }: ContentSource, quota: QuotaLedger): Promise<boolean> {
  return !cost || (await quota.reserve(platform, cost.bucket, cost.account)).allowed;
}

/** The owner has been told where there is something to tell, and trying again cannot help. */
function hasEnded(error: unknown): boolean {
  return error instanceof AppError &&
    ["CONNECTION_REVOKED", "SOCIAL_ACCOUNT_NOT_FOUND"].includes(error.code);
}
