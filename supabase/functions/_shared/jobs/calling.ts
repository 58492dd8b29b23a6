import type { HandOver } from "./hand_over.ts";

/** A worker that has nothing to do, and may be handed a job. */
export interface Sleep {
  worker_id: string;
  /** On which it hears of it. */
  channel: string;
  types: string[];
  /** On its own clock. */
  asleep_at: number;
}

/** What wakes a sleeping worker. */
export interface Calls {
  /** There may be work to claim. */
  onReady(): void;
  onHandOver(handOver: HandOver): void;
}

/** Hears calls until it is closed. */
export interface Ear {
  /** On which this worker, and no other, hears what it is handed. */
  readonly channel: string;
  close(): Promise<void>;
}

/** How a worker that has nothing to do hears of work. */
export interface Calling {
  /** Hears when work arrives; null where the connection cannot be told (poll instead). */
  listen(calls: Calls): Promise<Ear | null>;
  /** From now on this worker may be handed one job; answers what it was before and has not ended. */
  goToSleep(sleep: Sleep): Promise<HandOver[]>;
  /** From now on this worker is handed nothing; answers as {@link Calling.goToSleep}. */
  wakeUp(workerId: string, at: number): Promise<HandOver[]>;
}
