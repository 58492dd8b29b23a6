import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { Renewals } from "../../platforms/connections.ts";
import type { JobContext } from "../context.ts";
import { defineJob } from "../define_job.ts";

const params = z.object({
  social_account_id: z.uuid(),
  /** The tokens that were about to end; what came after them is renewed by a later job. */
  token_version: z.int().positive(),
});

type Context = JobContext<z.output<typeof params>, null>;

const result = z.object({
  outcome: z.enum(["renewed", "renewed_before", "ended"]),
});

/** What the handler needs from outside. */
export interface TokenRefreshDeps {
  connections: Renewals;
}

/**
 * Renews the tokens of a connection before they end. A grant that turns out to be gone, or an account that
 * was disconnected meanwhile, is an answer and not a failure: the owner has been told where there is
 * something to tell, and trying again cannot help.
 */
export const tokenRefresh = defineJob({
  type: "token_refresh",
  params,
  checkpoint: z.null(),
  result,
  async run(ctx: Context, { connections }: TokenRefreshDeps): Promise<z.input<typeof result>> {
    const { social_account_id, token_version } = ctx.params;
    try {
      const renewed = await connections.renew(social_account_id, token_version);
      return { outcome: renewed ? "renewed" : "renewed_before" };
    } catch (error) {
      if (hasEnded(error)) return { outcome: "ended" };
      throw error;
    }
  },
});

function hasEnded(error: unknown): boolean {
  return error instanceof AppError &&
    ["CONNECTION_REVOKED", "SOCIAL_ACCOUNT_NOT_FOUND"].includes(error.code);
}
