import { type Clock, sleep } from "./clock.ts";
import type { Completion, Failure, GiveBack, JobStore, Lease } from "./job_store.ts";
import type { Outcome } from "./errors.ts";

/** What the database made of an outcome: the job's new status, or null when it was refused. */
export type Recorded = string | null;

interface Waiting {
  lease: Lease;
  outcome: Outcome;
  /** After this moment the lease is gone and there is nothing left to record. */
  until: number;
  done(recorded: Recorded): void;
}

interface SettlerOptions {
  store: JobStore;
  clock: Clock;
  windowMs: number;
  maxBatch: number;
  /** Whether another running job may finish soon, so that waiting for it can pay. */
  company(): boolean;
  /** Told about failures of the database, which the settler survives by itself. */
  onTrouble(error: unknown): void;
}

/**
 * Records outcomes, many per statement. A lone job is settled at once; with others running, it
 * waits a few milliseconds for company. A database that fails is asked again until the lease ends.
 */
export class Settler {
  #waiting: Waiting[] = [];
  #callOff: (() => void) | null = null;
  #flushing: Promise<void> | null = null;

  constructor(private readonly options: SettlerOptions) {}

  settle(lease: Lease, outcome: Outcome, until: number): Promise<Recorded> {
    if (outcome.kind === "cancelled" || outcome.kind === "lost") return Promise.resolve(null);
    return new Promise((done) => {
      this.#waiting.push({ lease, outcome, until, done });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#flushing) return;
    const full = this.#waiting.length >= this.options.maxBatch;
    if (full || !this.options.company()) {
      this.#callOff?.();
      this.#callOff = null;
      return this.#flush();
    }
    this.#callOff ??= this.options.clock.after(this.options.windowMs, () => {
      this.#callOff = null;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#flushing || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.options.maxBatch);
    this.#flushing = this.#record(batch).finally(() => {
      this.#flushing = null;
      // What came in meanwhile has waited for a round trip already.
      this.#flush();
    });
  }

  async #record(batch: Waiting[]): Promise<void> {
    const kinds = Map.groupBy(batch, (entry) => entry.outcome.kind);
    await Promise.all(Array.from(kinds.values(), (entries) => this.#recordKind(entries)));
  }

  async #recordKind(entries: Waiting[]): Promise<void> {
    for (let pause = 50;; pause = Math.min(pause * 2, 2_000)) {
      try {
        const recorded = await this.#send(entries);
        return entries.forEach((entry) => entry.done(recorded.get(entry.lease.job_id) ?? null));
      } catch (error) {
        if (this.options.store.isBadInput(error)) return this.#recordOneByOne(entries, error);
        this.options.onTrouble(error);
      }
      await sleep(this.options.clock, pause);
      const now = this.options.clock.now();
      entries.filter((entry) => entry.until <= now).forEach((entry) => entry.done(null));
      entries = entries.filter((entry) => entry.until > now);
      if (entries.length === 0) return;
    }
  }

  /** One outcome that can never be stored must not take the others down with it. */
  async #recordOneByOne(entries: Waiting[], error: unknown): Promise<void> {
    const [only] = entries;
    if (only && entries.length === 1) {
      this.options.onTrouble(error);
      if (only.outcome.kind === "failed") return only.done(null);
      return await this.#recordKind([{ ...only, outcome: unstorable(error) }]);
    }
    for (const entry of entries) await this.#recordKind([entry]);
  }

  async #send(entries: Waiting[]): Promise<Map<string, string>> {
    const { store } = this.options;
    switch (entries[0]?.outcome.kind) {
      case "completed":
        return statuses(await store.complete(entries.map(toCompletion)), "completed");
      case "yielded":
        return statuses(await store.giveBack(entries.map(toGiveBack)), "pending");
      default:
        return await store.fail(entries.map(toFailure));
    }
  }
}

function statuses(ids: Set<string>, status: string): Map<string, string> {
  return new Map(Array.from(ids, (id) => [id, status]));
}

function unstorable(error: unknown): Outcome {
  const hint = (error as { hint?: unknown }).hint;
  const code = hint === "RESULT_TOO_LARGE" ? hint : "INVALID_RESULT";
  const message = hint === "RESULT_TOO_LARGE" ? "Result too large" : "Result cannot be stored";
  return { kind: "failed", code, message, retryable: false };
}

function toCompletion({ lease, outcome }: Waiting): Completion {
  return { ...lease, result: outcome.kind === "completed" ? outcome.result : null };
}

function toGiveBack({ lease, outcome }: Waiting): GiveBack {
  if (outcome.kind !== "yielded") return lease;
  return { ...lease, checkpoint: outcome.checkpoint, delay_ms: outcome.delayMs };
}

function toFailure({ lease, outcome }: Waiting): Failure {
  if (outcome.kind !== "failed") {
    return { ...lease, error_code: "INTERNAL_ERROR", error_message: "", retryable: true };
  }
  return {
    ...lease,
    error_code: outcome.code,
    error_message: outcome.message,
    retryable: outcome.retryable,
    retry_after_ms: outcome.retryAfterMs,
  };
}
