/** A worker for tests, on a queue in memory and a clock that is told to move; the test writes its handler. */
import { z } from "zod";
import { createLogger } from "../log.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";
import type { WorkerParts } from "./worker_parts.ts";

/** What a handler is given: its job's name says how it is to behave. */
export type NamedContext = JobContext<{ name: string }, { at: number }>;

type Handler = (ctx: NamedContext) => Promise<{ ok: boolean } | null>;

/** Further workers of the same process share queue, clock and log. */
export function memoryWorker(
  run: Handler,
  changed: Partial<WorkerOptions> = {},
) {
  const clock = new FakeClock();
  const store = new MemoryStore(() => clock.now());
  const lines: Record<string, unknown>[] = [];
  const job = defineJob({
    type: "test_job",
    params: z.object({ name: z.string() }),
    checkpoint: z.object({ at: z.number() }),
    result: z.object({ ok: z.boolean() }).nullable(),
    run,
  });
  const open = (more: Partial<WorkerParts<undefined>> = {}) =>
    new Worker<undefined>({
      id: "worker-1",
      store,
      jobs: [job],
      deps: undefined,
      db: noDb,
      clock,
      logger: createLogger({}, (line) => lines.push(JSON.parse(line))),
      options: { ...defaultOptions, linger_ms: 5_000, ...changed },
      limits: { cpu_ms: null, memory_bytes: null },
      region: "local",
      ...more,
    });
  const add = (name = "job") => store.add(claimedJob({ params: { name } }));
  const addCrashed = (name: string) => Object.assign(add(name), { hasCrashed: true });
  return { clock, store, lines, open, worker: open(), add, addCrashed };
}

/** A handler that works until it is told to stop. */
export const untilAborted: Handler = (ctx) =>
  new Promise((_, reject) =>
    ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true })
  );

/** One that hears nothing and never ends. */
export const deaf: Handler = () => new Promise(() => {});
