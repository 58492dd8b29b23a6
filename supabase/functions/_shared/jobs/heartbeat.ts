import type { Clock } from "./clock.ts";
import type { HeartbeatReply, JobStore, Lease } from "./job_store.ts";

interface HeartbeatOptions {
  store: Pick<JobStore, "heartbeat">;
  clock: Clock;
  workerId: string;
  /** How many jobs this worker would hold at most; 0 once it takes no more. */
  capacity(): number;
  region: string | null;
  /** Whether this worker could take more. */
  hasRoom(): boolean;
  /** A worker that has been full, or has had room again, for so long says so at once. */
  newsMs: number;
  /** Milliseconds until the next beat. */
  interval(): number;
  /** The leases held at the moment of the beat. */
  leases(): Lease[];
  /** Told what a beat learned; `sentAt` is the earliest moment from which leases were extended. */
  onReply(reply: HeartbeatReply, sentAt: number): void;
  onTrouble(error: unknown): void;
  /** Told at every beat that failed or hangs, so that leases which ran out meanwhile are dropped. */
  onSilence(): void;
}

/** One call every few seconds says that the worker lives, and extends every lease it holds. */
export class Heartbeat {
  #callOff: (() => void) | null = null;
  #stopped = true;
  #beating: Promise<void> | null = null;
  #healthy = true;
  /** What the latest beat said. */
  #toldRoom = true;
  #callOffNews: (() => void) | null = null;
  #hurries = false;

  constructor(private readonly options: HeartbeatOptions) {}

  /** False from the first beat that failed until one succeeds: the worker then claims nothing. */
  get healthy(): boolean {
    return this.#healthy;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#tick();
  }

  /** Tells news at once instead of at the next beat. */
  hurry(): void {
    if (this.#beating) return void (this.#hurries = true);
    this.#callOff?.();
    this.#tick();
  }

  /**
   * There may be room now, or no more: the database starts other workers by what it knows of us. Cheap
   * enough to be called at every look for work; what changes back at once is no news.
   */
  noteRoom(): void {
    if (this.options.hasRoom() === this.#toldRoom) {
      this.#callOffNews?.();
      this.#callOffNews = null;
      return;
    }
    this.#callOffNews ??= this.options.clock.after(this.options.newsMs, () => {
      this.#callOffNews = null;
      this.hurry();
    });
  }

  /** Stops beating; resolves when the beat under way is over, so that none comes after a goodbye. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff?.();
    this.#callOffNews?.();
    this.#callOffNews = null;
    await this.#beating;
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#callOff = this.options.clock.after(this.options.interval(), () => this.#tick());
    if (this.#beating) {
      this.#healthy = false;
      return this.options.onSilence();
    }
    this.#beating = this.#beat().finally(() => {
      this.#beating = null;
      // However many news have come in meanwhile, one beat tells them all.
      if (this.#hurries) this.hurry();
    });
  }

  async #beat(): Promise<void> {
    const { options } = this;
    this.#hurries = false;
    const leases = options.leases();
    this.#toldRoom = options.hasRoom();
    const sentAt = options.clock.now();
    try {
      const reply = await options.store.heartbeat({
        worker_id: options.workerId,
        leases,
        capacity: options.capacity(),
        in_flight: leases.length,
        region: options.region,
      });
      this.#healthy = true;
      options.onReply(reply, sentAt);
    } catch (error) {
      this.#healthy = false;
      options.onTrouble(error);
      options.onSilence();
    }
  }
}
