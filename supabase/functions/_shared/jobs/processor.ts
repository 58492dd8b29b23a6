import { AppError } from "../errors.ts";
import { type Counts, noCounts } from "./counts.ts";

/** The part of a worker that the processor drives. */
export interface WorkerLife {
  readonly id: string;
  /** True once it takes no more work: a ring must then start another life. */
  readonly leaving: boolean;
  /** Whether it runs jobs beside which nothing else may run in this process. */
  readonly isApart: boolean;
  run(): Promise<Counts>;
  nudge(): void;
  drained(): Promise<Counts>;
  shutdown(): Promise<void>;
}

/** What a ring at the doorbell led to. */
export interface Ring {
  worker_id: string;
  outcome: "started" | "awake";
  /** Settles when the worker's life ends; the platform has to be asked to wait for it. */
  life: Promise<unknown>;
}

/** Keeps one worker per isolate: the first ring starts it, further rings make it look again. */
export class Processor {
  #worker: WorkerLife | null = null;
  /** One that is leaving has jobs to end while the next one lives. */
  readonly #living = new Set<WorkerLife>();
  #life: Promise<unknown> = Promise.resolve();
  #unloading = false;

  constructor(
    /** The worker is to ask whether no other life goes on in this process. */
    private readonly createWorker: (isAlone: () => boolean) => WorkerLife,
    private readonly onCrash: (error: unknown) => void,
  ) {}

  /** Throws `SERVICE_UNAVAILABLE` while unloading: what this process claimed now would die with it. */
  ring(): Ring {
    if (this.#unloading) throw new AppError("SERVICE_UNAVAILABLE");
    const awake = this.#worker;
    if (awake && !awake.leaving) {
      awake.nudge();
      return { worker_id: awake.id, outcome: "awake", life: this.#life };
    }
    const worker = this.#start();
    return { worker_id: worker.id, outcome: "started", life: this.#life };
  }

  /** Resolves when the queue holds nothing claimable, with what was done since the call. */
  drained(): Promise<Counts> {
    return this.#worker?.drained() ?? Promise.resolve(noCounts());
  }

  /** The process is about to end, and with it those that are leaving and still have jobs to end. */
  async unload(): Promise<void> {
    this.#unloading = true;
    await Promise.all(Array.from(this.#living, (worker) => worker.shutdown()));
  }

  #start(): WorkerLife {
    const worker = this.createWorker(() => this.#living.size <= 1);
    this.#worker = worker;
    const before = this.#life;
    const mayRun = Array.from(this.#living).some(({ isApart }) => isApart) ? before : null;
    this.#living.add(worker);
    const run = mayRun ? mayRun.then(() => worker.run()) : worker.run();
    const life = run.catch(this.onCrash).finally(() => {
      this.#living.delete(worker);
      if (this.#worker === worker) this.#worker = null;
    });
    // What came of it is nobody's business, and would be kept with what came of all before.
    this.#life = Promise.all([before, life]).then(() => {});
    return worker;
  }
}
