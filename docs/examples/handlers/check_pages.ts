/**
 * The parent of WORKER_DEVELOPMENT.md: one child per page, and a summary of them.
 * @module
 */
import { z } from "zod";
import { child } from "../../../supabase/functions/_shared/jobs/children.ts";
import type { JobContext } from "../../../supabase/functions/_shared/jobs/context.ts";
import { defineJob } from "../../../supabase/functions/_shared/jobs/define_job.ts";
import { checkLinks } from "./check_links.ts";

const params = z.strictObject({
  pages: z.array(z.strictObject({ name: z.string().max(200), urls: z.array(z.url()) })).max(500),
});
const checkpoint = z.object({ waited: z.literal(true) });
const result = z.object({ pages: z.int(), failed: z.int(), broken: z.array(z.string()) });

type Context = JobContext<z.output<typeof params>, z.output<typeof checkpoint>>;

/** Checks the links of many pages side by side. */
export const checkPages = defineJob({
  type: "check_pages",
  params,
  checkpoint,
  result,
  async run(ctx: Context) {
    if (ctx.checkpoint === null) {
      // The key makes a second run join the children of the first one instead of doubling them.
      await ctx.createChildren(
        ctx.params.pages.map(({ name, urls }) => child(checkLinks, { urls }, { key: name })),
      );
      ctx.waitForChildren({ whenDone: "resume", checkpoint: { waited: true } });
    }
    const broken: string[] = [];
    for await (const { result } of ctx.childResults()) {
      if (result !== null) broken.push(...checkLinks.spec.result.parse(result).broken);
    }
    const { total, failed } = await ctx.children();
    return { pages: total, failed, broken };
  },
});
