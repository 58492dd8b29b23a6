/** A worker process for long_job_test.ts: one short life after another, until somebody kills it. */
import { z } from "zod";
import { createLogger } from "../../functions/_shared/log.ts";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defineJob } from "../../functions/_shared/jobs/define_job.ts";
import { noDb } from "../../functions/_shared/jobs/fakes.ts";
import { defaultOptions, type WorkerOptions } from "../../functions/_shared/jobs/options.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";

const [url, type, sliceMs] = Deno.args as [string, string, string];
const margin = 50;

const options: WorkerOptions = {
  ...defaultOptions,
  budget_ms: Number(sliceMs) + margin,
  slice_margin_ms: margin,
  abort_grace_ms: margin,
  linger_ms: 100,
  poll_min_ms: 10,
  poll_max_ms: 30,
  poll_listening_ms: 30,
};

const longJob = defineJob({
  type,
  params: z.object({ units: z.int(), unit_ms: z.int() }),
  checkpoint: z.object({ units: z.int(), slices: z.int() }),
  result: z.object({ units: z.int(), slices: z.int() }),
  async run(ctx) {
    const { units, unit_ms } = ctx.params;
    const slices = (ctx.checkpoint?.slices ?? 0) + 1;
    for (let done = ctx.checkpoint?.units ?? 0; done < units;) {
      await ctx.sleep(unit_ms);
      done += 1;
      await ctx.saveCheckpoint({ units: done, slices });
      if (ctx.remaining() === 0 && done < units) ctx.yield();
    }
    return { units, slices };
  },
});

const store = openStore({ url });
for (let life = 1;; life += 1) {
  await new Worker({
    id: `long-${Deno.pid}-${life}`,
    store,
    jobs: [longJob],
    deps: undefined,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options,
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  }).run();
}
