/**
 * A worker process for platform_sync_test.ts: the real worker, store and sync, under a job type of the test's
 * own. `sync_worker.ts <database url> <job type> <platform> <the page at which it dies, 0: none>`
 */
import { serviceDb } from "../../functions/_shared/db.ts";
import { systemClock } from "../../functions/_shared/jobs/clock.ts";
import { defineJob } from "../../functions/_shared/jobs/define_job.ts";
import { createJobDeps } from "../../functions/_shared/jobs/deps.ts";
import { defaultOptions } from "../../functions/_shared/jobs/options.ts";
import { openStore } from "../../functions/_shared/jobs/store.ts";
import { defineSync } from "../../functions/_shared/jobs/sync_content.ts";
import { Worker } from "../../functions/_shared/jobs/worker.ts";
import { createLogger } from "../../functions/_shared/log.ts";
import { contentSources } from "../../functions/_shared/platforms/registry.ts";

const [url, type, platform, dieAt] = Deno.args as [
  string,
  string,
  keyof typeof contentSources,
  string,
];
const real = contentSources[platform];
const tell = (line: unknown) => console.log(JSON.stringify(line));
let pages = 0;

const source: typeof real = {
  ...real,
  cost: real.cost && { ...real.cost, bucket: Deno.env.get("TEST_BUCKET")! },
  async listPage(...call) {
    const page = await real.listPage(...call);
    pages += 1;
    tell({ rss: Deno.memoryUsage().rss });
    // Before it is saved, or somewhere in between: no handler, no finally, nothing.
    if (pages === Number(dieAt)) {
      setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), Math.random() * 8);
      if (Math.random() < 0.5) await new Promise(() => {});
    }
    return page;
  },
};

const db = serviceDb();
const store = openStore({ url });
// Whoever started us holds the other end; when that is gone, so are we.
Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(0));

let isIdle = true;
for (let life = 1;; life++) {
  await new Worker({
    id: `sync-${Deno.pid}-${life}`,
    store,
    jobs: [defineJob({ ...defineSync(source).spec, type })],
    deps: createJobDeps(db),
    db,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, heartbeat_ms: 300, linger_ms: 1_000, poll_min_ms: 20 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  }).run();
  // Everything is loaded, connected and has looked for work once.
  if (isIdle) tell({ idle: Deno.memoryUsage().rss });
  isIdle = false;
}
