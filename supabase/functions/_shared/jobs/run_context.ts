import type { Db } from "../db.ts";
import { type ChildAccess, childAccess } from "./children.ts";
import { sleep } from "./clock.ts";
import type { JobContext } from "./context.ts";
import { refusalOf, Snooze, type WaitOptions } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { ChildJob, Lease, Progress } from "./job_store.ts";
import type { JobLog } from "./log_buffer.ts";

/** A handler's view of its attempt. */
export class RunContext<P, C> implements JobContext<P, C> {
  readonly #run: JobRun;
  #children: ChildAccess<C> | null = null;

  constructor(run: JobRun, readonly params: P, readonly checkpoint: C | null) {
    this.#run = run;
  }

  get job(): JobContext<P, C>["job"] {
    return this.#run.job;
  }

  get lease(): Lease {
    return this.#run.lease;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get db(): Db {
    return this.#run.parts.db;
  }

  get log(): JobLog {
    return this.#run.log;
  }

  progress(percent: number, message?: string): void {
    this.#run.mustBeOpen();
    this.#run.progress.report(percent, message);
  }

  async saveCheckpoint(checkpoint: C, progress?: Progress): Promise<void> {
    const run = this.#run;
    const { store } = run.parts;
    run.mustBeOpen();
    const carried = progress && this.#carried(progress);
    const save = () => store.saveCheckpoint(run.lease, checkpoint, carried);
    const held = await run.persist(save).catch((cause) => {
      if (!store.isBadInput(cause)) throw cause;
      throw refusalOf(cause, "INVALID_RESULT", "Checkpoint cannot be stored");
    });
    if (!held) run.refused();
  }

  async saveCheckpointWith<T>(
    progress: Progress,
    write: (lease: Lease, progress: Required<Progress>) => Promise<T>,
  ): Promise<T> {
    this.#run.mustBeOpen();
    return await write(this.#run.lease, this.#carried(progress));
  }

  remaining(): number {
    return this.#run.parts.remaining();
  }

  yield(checkpoint?: C): never {
    throw new Snooze(0, checkpoint);
  }

  snooze(ms: number, checkpoint?: C): never {
    throw new Snooze(ms, checkpoint);
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.#run.parts.clock, ms, this.#run.signal);
  }

  createChildren(children: readonly ChildJob[], options?: { checkpoint?: C }) {
    return this.#childAccess.createChildren(children, options);
  }

  waitForChildren(options?: WaitOptions<C>): never {
    return this.#childAccess.waitForChildren(options);
  }

  children() {
    return this.#childAccess.children();
  }

  childResults() {
    return this.#childAccess.childResults();
  }

  get #childAccess(): ChildAccess<C> {
    return this.#children ??= childAccess(this.#run);
  }

  #carried({ percent, message = null }: Progress): Required<Progress> {
    return this.#run.progress.carried(percent, message);
  }
}
