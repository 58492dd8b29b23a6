/**
 * A processor as an operating system process: the real worker with the real store, one life after the
 * other, until it is killed. `worker_process.ts <database url> <name> [job types]`
 */
import type { Db } from "../../functions/_shared/db.ts";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defaultOptions } from "../../functions/_shared/jobs/options.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";
import { createLogger } from "../../functions/_shared/log.ts";
import { chaosJobs } from "./handlers.ts";

const [dbUrl, name, ...types] = Deno.args as [string, string, ...string[]];
const jobs = chaosJobs.filter(({ type }) => types.length === 0 || types.includes(type));
const url = new URL(dbUrl);
// The database's witness tells sessions apart by this.
url.searchParams.set("application_name", name);
const store = openStore({ url: url.href });

let worker: Worker<unknown> | null = null;
let isLeaving = false;
const leave = async () => {
  isLeaving = true;
  await worker?.shutdown();
  Deno.exit(0);
};
Deno.addSignalListener("SIGTERM", leave);
// Whoever started us holds the other end; when that is gone, so are we.
Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(0));

for (let life = 1; !isLeaving; life++) {
  worker = new Worker({
    id: `${name}-${life}`,
    store,
    jobs,
    deps: undefined,
    // No handler here asks for it.
    db: undefined as unknown as Db,
    clock: systemClock,
    logger: createLogger({ worker: name }),
    options: {
      ...defaultOptions,
      concurrency: 16,
      budget_ms: 6_000,
      slice_margin_ms: 500,
      abort_grace_ms: 500,
      heartbeat_ms: 400,
      linger_ms: 2_000,
    },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  await worker.run();
}
