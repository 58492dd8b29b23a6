import { AppError } from "../errors.ts";
import { type Counts, difference, total } from "./counts.ts";

/** The part of a worker that the processor drives. */
export interface WorkerLife {
  readonly id: string;
  /** True once it takes no more work: a ring must then start another life. */
  readonly leaving: boolean;
  /** Whether it runs jobs beside which nothing else may run in this process. */
  readonly isApart: boolean;
  /** Whether another worker would do more: its slots are taken, and no job waits to have a process to itself. */
  readonly isFull: boolean;
  /** What it has done so far. */
  readonly counts: Counts;
  run(): Promise<Counts>;
  nudge(): void;
  /** It takes no more, and leaves when what it runs has ended. */
  retire(): void;
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

/**
 * Most workers that take work in one process. How many there are is the database's to say, which rings only
 * while fewer than `max_workers` live; this is for whoever else rings.
 */
const MOST_AWAKE = 8;

/**
 * Keeps the workers of an isolate. The first ring starts one, further rings make it look again. One that
 * finds it full starts another: the platform may send all rings to the same isolate, and jobs that take
 * long would keep everybody else waiting until they end.
 */
export class Processor {
  /** One that is leaving has jobs to end while the next one lives. */
  readonly #living = new Set<WorkerLife>();
  #life: Promise<unknown> = Promise.resolve();
  #unloading = false;

  constructor(
    /** The worker may ask whether no other life goes on in this process, and to be left alone there. */
    private readonly createWorker: (
      isAlone: () => boolean,
      retireOthers: () => void,
    ) => WorkerLife,
    private readonly onCrash: (error: unknown) => void,
  ) {}

  /** Throws `SERVICE_UNAVAILABLE` while unloading: what this process claimed now would die with it. */
  ring(): Ring {
    if (this.#unloading) throw new AppError("SERVICE_UNAVAILABLE");
    const awake = this.#awake();
    const isBusy = awake.every(({ isApart, isFull }) => isFull && !isApart);
    if (isBusy && awake.length < MOST_AWAKE) {
      const { id } = this.#start();
      return { worker_id: id, outcome: "started", life: this.#life };
    }
    for (const worker of awake) worker.nudge();
    return { worker_id: awake.at(-1)!.id, outcome: "awake", life: this.#life };
  }

  /** Resolves when the queue holds nothing claimable, with what was done since the call. */
  async drained(): Promise<Counts> {
    const seen = new Set<WorkerLife>(this.#awake());
    const before = countsOf(seen);
    for (let awake = [...seen];; awake = this.#awake()) {
      for (const worker of awake) seen.add(worker);
      const { claimed } = countsOf(seen);
      await Promise.all(awake.map((worker) => worker.drained()));
      // What one has left behind may have been taken by another, which had nothing until then.
      const isOver = awake.length < 2 || countsOf(seen).claimed === claimed;
      if (isOver && this.#awake().every((worker) => awake.includes(worker))) {
        return difference(countsOf(seen), before);
      }
    }
  }

  /** The process is about to end, and with it those that are leaving and still have jobs to end. */
  async unload(): Promise<void> {
    this.#unloading = true;
    // A life that fails has told so; the process must not end before the others have given back theirs.
    await Promise.allSettled(Array.from(this.#living, (worker) => worker.shutdown()));
  }

  #awake(): WorkerLife[] {
    return Array.from(this.#living).filter(({ leaving }) => !leaving);
  }

  /** Who leaves itself has no use for that. */
  #retireAllBut(worker: WorkerLife): void {
    if (worker.leaving) return;
    for (const other of this.#awake()) if (other !== worker) other.retire();
  }

  #start(): WorkerLife {
    const worker: WorkerLife = this.createWorker(
      () => this.#living.size <= 1,
      () => this.#retireAllBut(worker),
    );
    const before = this.#life;
    const mayRun = Array.from(this.#living).some(({ isApart }) => isApart) ? before : null;
    this.#living.add(worker);
    const run = mayRun ? mayRun.then(() => worker.run()) : worker.run();
    const life = run.catch(this.onCrash).finally(() => this.#living.delete(worker));
    // What came of it is nobody's business, and would be kept with what came of all before.
    this.#life = Promise.all([before, life]).then(() => {});
    return worker;
  }
}

function countsOf(workers: ReadonlySet<WorkerLife>): Counts {
  return total(Array.from(workers, ({ counts }) => counts));
}
