/**
 * A worker process for poison_test.ts, one life after the other: says what it starts, and is killed by
 * jobs that are poison. `poison_worker.ts <database url> <job type> <concurrency> [held]`; held: it
 * ends nothing.
 */
import { z } from "zod";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defineJob } from "../../functions/_shared/jobs/define_job.ts";
import { noDb } from "../../functions/_shared/jobs/fakes.ts";
import { defaultOptions } from "../../functions/_shared/jobs/options.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";
import { createLogger } from "../../functions/_shared/log.ts";

const [url, type, concurrency, held] = Deno.args as [string, string, string, string?];
// Whoever started us holds the other end; when that is gone, so are we.
Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(0));

const job = defineJob({
  type,
  params: z.object({ n: z.int(), is_poison: z.boolean().default(false) }),
  checkpoint: z.never(),
  result: z.null(),
  async run(ctx) {
    Deno.stdout.writeSync(new TextEncoder().encode(`${ctx.params.n}\n`));
    // As the system ends one that takes too much memory.
    if (ctx.params.is_poison) Deno.kill(Deno.pid, "SIGKILL");
    await (held ? new Promise(() => {}) : ctx.sleep(20));
    return null;
  },
});

const store = openStore({ url });
for (let life = 1;; life += 1) {
  await new Worker({
    id: `poison-${Deno.pid}-${life}`,
    store,
    jobs: [job],
    deps: undefined,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: {
      ...defaultOptions,
      concurrency: Number(concurrency),
      heartbeat_ms: 250,
      poll_max_ms: 250,
      poll_listening_ms: 250,
      linger_ms: 2_000,
    },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  }).run();
}
