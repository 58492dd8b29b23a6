/** A worker process for hand_over_workers_test.ts: says what it starts, and never ends it. */
import { z } from "zod";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defineJob } from "../../functions/_shared/jobs/define_job.ts";
import { noDb } from "../../functions/_shared/jobs/fakes.ts";
import { defaultOptions } from "../../functions/_shared/jobs/options.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";
import { createLogger } from "../../functions/_shared/log.ts";

const [url, type] = Deno.args as [string, string];

const endless = defineJob({
  type,
  params: z.object({ n: z.int() }),
  checkpoint: z.never(),
  result: z.null(),
  run(ctx) {
    Deno.stdout.writeSync(new TextEncoder().encode(`started ${ctx.job.id}\n`));
    return new Promise(() => {});
  },
});

await new Worker({
  id: `worker-${Deno.pid}`,
  store: openStore({ url }),
  jobs: [endless],
  deps: {},
  db: noDb,
  clock: systemClock,
  logger: createLogger({}, () => {}),
  options: { ...defaultOptions, linger_ms: 60_000 },
  limits: { cpu_ms: null, memory_bytes: null },
  region: null,
}).run();
