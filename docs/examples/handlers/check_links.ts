/**
 * The job type of WORKER_DEVELOPMENT.md. In the product it would stand in
 * `supabase/functions/_shared/jobs/handlers/check_links.ts`.
 * @module
 */
import { z } from "zod";
import type { JobContext } from "../../../supabase/functions/_shared/jobs/context.ts";
import { defineJob } from "../../../supabase/functions/_shared/jobs/define_job.ts";
import { RetryAfterError } from "../../../supabase/functions/_shared/jobs/errors.ts";

const params = z.strictObject({
  urls: z.array(z.url()).min(1).max(1_000),
});

/** What the next slice or attempt needs to know; small, since it is written often. */
const checkpoint = z.object({
  next: z.int().nonnegative(),
  broken: z.array(z.string()),
});

const result = z.object({
  checked: z.int(),
  broken: z.array(z.string()),
});

type Context = JobContext<z.output<typeof params>, z.output<typeof checkpoint>>;

/** What the handler needs from outside; a test passes a plain object. */
export interface CheckLinksDeps {
  head(url: string, signal: AbortSignal): Promise<{ status: number; retryAfterMs?: number }>;
}

/** Asks for each link once and says which are broken. */
export const checkLinks = defineJob({
  type: "check_links",
  params,
  checkpoint,
  result,
  async run(ctx: Context, { head }: CheckLinksDeps) {
    const { urls } = ctx.params;
    let state = ctx.checkpoint ?? { next: 0, broken: [] };
    while (state.next < urls.length) {
      const url = urls[state.next]!;
      const { status, retryAfterMs = 60_000 } = await head(url, ctx.signal);
      if (status === 429) throw new RetryAfterError("PROVIDER_RATE_LIMITED", retryAfterMs);
      const broken = status >= 400 ? [...state.broken, url] : state.broken;
      state = { next: state.next + 1, broken };
      await ctx.saveCheckpoint(state, {
        percent: Math.floor(99 * state.next / urls.length),
        message: `${state.next} of ${urls.length} links`,
      });
      if (ctx.remaining() === 0 && state.next < urls.length) ctx.yield();
    }
    ctx.log.info("Links checked", { broken: state.broken.length });
    return { checked: state.next, broken: state.broken };
  },
});
