import type { Budget } from "./budget.ts";
import type { ClaimLoop } from "./claim_loop.ts";
import type { Clock } from "./clock.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobStore } from "./job_store.ts";
import type { LogBuffer } from "./log_buffer.ts";
import type { WorkerOptions } from "./options.ts";

interface FarewellParts<Deps> {
  workerId: string;
  store: Pick<JobStore, "ringDoorbell" | "unregister">;
  clock: Clock;
  options: Pick<WorkerOptions, "abort_grace_ms" | "slice_margin_ms" | "unload_grace_ms">;
  budget: Budget;
  heartbeat: Heartbeat;
  logs: LogBuffer;
  loop: ClaimLoop<Deps>;
  /** Whether the process is about to end. */
  isUnloading(): boolean;
  onTrouble(error: unknown): void;
}

/** What a worker does that holds nothing any more. */
export class Farewell<Deps> {
  constructor(private readonly parts: FarewellParts<Deps>) {}

  async leave(): Promise<void> {
    const { budget, heartbeat, loop, options, store, workerId, onTrouble } = this.parts;
    await heartbeat.stop();
    await this.closeLogs();
    await loop.end();
    await store.unregister(workerId).catch(onTrouble);
    // A worker that was told to drain must not call for the next one.
    const isSpent = budget.remaining() <= options.slice_margin_ms;
    if (this.parts.isUnloading() || isSpent) await store.ringDoorbell().catch(onTrouble);
  }

  /** What is left of the budget may go into log lines; where the process ends, hardly anything. */
  closeLogs(): Promise<void> {
    const { budget, clock, logs, options, isUnloading } = this.parts;
    const begunAt = clock.now();
    const patienceMs = Math.max(options.abort_grace_ms, budget.remaining());
    return logs.close(() =>
      begunAt + (isUnloading() ? options.unload_grace_ms : patienceMs) - clock.now()
    );
  }
}
