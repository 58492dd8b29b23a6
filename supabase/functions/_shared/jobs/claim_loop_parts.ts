import type { Clock } from "./clock.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { InFlight } from "./in_flight.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";
import type { Strays } from "./strays.ts";

/** What looking for work is made of. */
export interface ClaimLoopParts<Deps> {
  workerId: string;
  types: string[];
  store: JobStore;
  clock: Clock;
  options: WorkerOptions;
  inFlight: InFlight<Deps>;
  heartbeat: Heartbeat;
  /** Milliseconds for which work may still be taken; 0 ends the loop. */
  remaining(): number;
  /** Whether no other worker lives in this process, and nothing that was left behind. */
  isAlone(): boolean;
  /** Has all other workers of this process leave when what they run has ended. */
  retireOthers(): void;
  strays: Strays;
  onTrouble(error: unknown): void;
}
