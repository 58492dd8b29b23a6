/** A worker whose queue is in memory and whose clock is moved by hand, for tests. */
import { z } from "zod";
import { createLogger } from "../log.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

type Context = JobContext<{ name: string }, { at: number }>;
type Handler = (ctx: Context) => Promise<{ ok: boolean }>;

export function openMemoryWorker(handler: Handler, changed: Partial<WorkerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const lines: Record<string, unknown>[] = [];
  const job = defineJob({
    type: "test_job",
    params: z.object({ name: z.string() }),
    checkpoint: z.object({ at: z.number() }),
    result: z.object({ ok: z.boolean() }),
    run: (ctx: Context, deps: { handler: Handler }) => deps.handler(ctx),
  });
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [job],
    deps: { handler },
    db: noDb,
    clock,
    logger: createLogger({}, (line) => lines.push(JSON.parse(line))),
    options: { ...defaultOptions, linger_ms: 5_000, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: "local",
  });
  const add = (name = "job") => store.add(claimedJob({ params: { name } }));
  return { clock, store, worker, lines, add };
}

/** A handler that works until it is told to stop. */
export const untilAborted: Handler = (ctx) =>
  new Promise((_, reject) =>
    ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true })
  );

/** One that hears nothing and never ends. */
export const deaf: Handler = () => new Promise(() => {});
