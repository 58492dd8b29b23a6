import { Budget } from "./budget.ts";
import { ClaimLoop } from "./claim_loop.ts";
import type { Counts } from "./counts.ts";
import { Farewell } from "./farewell.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { HeldJobs } from "./held_jobs.ts";
import { InFlight } from "./in_flight.ts";
import type { HeartbeatReply } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import { Strays } from "./strays.ts";
import type { WorkerParts } from "./worker_parts.ts";

/**
 * One life of a worker: claims, runs and settles jobs until its budget is used up or nothing has
 * come for a while, then leaves. The table is the truth; everything here may die at any moment.
 */
export class Worker<Deps> {
  readonly #inFlight: InFlight<Deps>;
  readonly #held: HeldJobs;
  readonly #heartbeat: Heartbeat;
  readonly #loop: ClaimLoop<Deps>;
  readonly #farewell: Farewell<Deps>;
  readonly #budget: Budget;
  readonly #logs: LogBuffer;
  /** No more claims; handlers are asked to come to an end. */
  #draining = false;
  /** The process is about to end; handlers are told to stop. */
  #unloading = false;
  /** No more claims; handlers go on as long as they may. */
  #retired = false;
  #leaving = false;
  #life: Promise<Counts> | null = null;

  constructor(private readonly parts: WorkerParts<Deps>) {
    const { clock, id, jobs, options, store, isAlone } = parts;
    const strays = parts.strays ?? new Strays(clock);
    const shared = { ...parts, strays, workerId: id, onTrouble: this.#trouble };
    this.#budget = new Budget(clock, { ...parts.limits, wall_ms: options.budget_ms }, parts.meter);
    this.#logs = new LogBuffer(store, clock, options.log_flush_ms, (lost) => {
      parts.logger.warning("log lines lost", { worker_id: id, ...lost });
    });
    this.#inFlight = new InFlight({
      ...shared,
      jobs: new Map(jobs.map((job) => [job.type, job])),
      logs: this.#logs,
      remaining: () => this.#remaining(),
      onFree: (type) => this.#loop.freed(type),
    });
    this.#held = this.#inFlight.held;
    this.#heartbeat = new Heartbeat({
      ...shared,
      capacity: () => this.leaving ? 0 : this.#loop.apart.room,
      hasRoom: () => this.#held.size < (this.leaving ? 0 : this.#loop.apart.room),
      newsMs: options.room_news_ms,
      // A claim that had to wait may bring a lease of which nothing is left.
      interval: () => Math.min(options.heartbeat_ms, Math.max(100, this.#held.shortestLease() / 4)),
      leases: () => this.#held.leases(),
      onReply: (reply, sentAt) => this.#heard(reply, sentAt),
      onSilence: () => this.#held.abortExpired(clock.now()),
    });
    this.#loop = new ClaimLoop({
      ...shared,
      types: jobs.map((job) => job.type),
      inFlight: this.#inFlight,
      heartbeat: this.#heartbeat,
      remaining: () => this.#retired ? 0 : this.#remaining(),
      isAlone: () => strays.size === 0 && (isAlone === undefined || isAlone()),
      retireOthers: parts.retireOthers ?? (() => {}),
    });
    this.#farewell = new Farewell({
      ...shared,
      budget: this.#budget,
      heartbeat: this.#heartbeat,
      logs: this.#logs,
      loop: this.#loop,
      isUnloading: () => this.#unloading,
    });
  }

  readonly #trouble = (error: unknown): void => {
    this.parts.logger.warning("worker trouble", { worker_id: this.parts.id, error });
  };

  get id(): string {
    return this.parts.id;
  }

  /** True once nothing more will be claimed: a ring must then start another worker. */
  get leaving(): boolean {
    return this.#loop.isOver || this.#leaving || this.#draining || this.#retired;
  }

  get counts(): Readonly<Counts> {
    return this.#inFlight.counts;
  }

  get isApart(): boolean {
    return this.#loop.apart.isApart;
  }

  get isFull(): boolean {
    return this.#held.size >= this.parts.options.concurrency && !this.#loop.apart.isDue;
  }

  /** Lives once; resolves with what was done. Calling it again returns the same life. */
  run(): Promise<Counts> {
    return this.#life ??= this.#live();
  }

  /** There may be work: look now. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** Somebody else in this process has to be alone there: takes no more, ends what it runs, leaves. */
  retire(): void {
    this.#retired = true;
    this.nudge();
  }

  /** Resolves when the queue holds nothing claimable and nothing is running, with what was done. */
  drained(): Promise<Counts> {
    return this.#loop.drained();
  }

  /** The platform is about to end this process: stop handlers, give jobs back, leave. */
  async shutdown(): Promise<void> {
    this.#draining = this.#unloading = true;
    this.#held.abortAll("shutdown");
    this.nudge();
    await Promise.all([this.#life, this.#farewell.closeLogs()]);
  }

  async #live(): Promise<Counts> {
    this.#heartbeat.start();
    const listening = this.#loop.listen();
    try {
      await this.#loop.run();
      this.#leaving = true;
      // Who enqueues from now on must not count on us.
      this.#heartbeat.hurry();
      // A claim that was under way when unloading began has come back since.
      if (this.#unloading) this.#held.abortAll("shutdown");
      const { clock, options } = this.parts;
      const ms = this.#retired ? this.#budget.remaining() : 0;
      await this.#held.emptyWithin(clock, Math.max(ms, options.slice_margin_ms));
    } finally {
      await listening;
      await this.#farewell.leave();
    }
    return this.#inFlight.counts;
  }

  #heard(reply: HeartbeatReply, sentAt: number): void {
    this.#held.heed(reply, sentAt);
    this.#loop.apart.heed(reply.crashed_ms);
    if (reply.drain && !this.#draining) {
      this.#draining = true;
      this.nudge();
      const { clock, options } = this.parts;
      // Its jobs were given longer.
      if (this.#retired) void this.#held.emptyWithin(clock, options.slice_margin_ms);
    }
  }

  #remaining(): number {
    if (this.#draining) return 0;
    return Math.max(0, this.#budget.remaining() - this.parts.options.slice_margin_ms);
  }
}
