/** A worker for tests against a real queue, whose handler the test writes. */
import { z } from "zod";
import { createLogger } from "../log.ts";
import { systemClock } from "./clock.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { defaultOptions } from "./options.ts";
import type { Queue } from "./real_queue.ts";
import { noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

/** What the handler is given; nothing of it is checked. */
export type AnyContext = JobContext<Record<string, unknown>, unknown>;

/** Takes the queue's jobs and leaves soon after the last. */
export function openWorker(
  { type, store }: Pick<Queue, "type" | "store">,
  run: (ctx: AnyContext) => Promise<unknown>,
) {
  return new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [defineJob({
      type,
      params: z.record(z.string(), z.unknown()),
      checkpoint: z.unknown(),
      result: z.unknown(),
      run,
    })],
    deps: undefined,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, linger_ms: 200, poll_min_ms: 20, heartbeat_ms: 300 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
}
