/** What the engine is documented to do, in plain objects: the test's second opinion on every step. */
import type { ModelJob } from "./job.ts";
import { limits } from "./life.ts";

/** A token that some worker was once given, and will try to use for ever. */
export interface Attempt {
  readonly job: ModelJob;
  readonly token: number | null;
  readonly worker: string;
}

/** All jobs and attempts of one run. */
export class Model {
  readonly jobs: ModelJob[] = [];
  readonly attempts: Attempt[] = [];
  /** Jobs that the step under way has changed through their batch. */
  readonly echoes = new Set<ModelJob>();
  #completions = 0;
  #requests = 0;

  constructor(private readonly jobTypes: readonly string[]) {}

  /** What a classic worker may be told to take: jobs that wait, or any. */
  startable(isClaimable: boolean): ModelJob[] {
    return this.jobs.filter((job) => job.isClaimable || !isClaimable);
  }

  /** Whether the caps, which only the second type has, allow one more like this job. */
  hasRoom({ jobType, user }: ModelJob): boolean {
    return jobType === this.jobTypes[0] ||
      this.running(jobType) < limits.max_concurrency &&
        this.running(jobType, user) < limits.max_per_user;
  }

  nextCompletion(): number {
    return ++this.#completions;
  }

  /** Jobs that count against the limit of a user: children do not. */
  activeOf(user: string): number {
    return this.jobs.filter((job) => job.user === user && job.isActive && !job.parent).length;
  }

  /** Follows the end of these jobs up to their parents, and down again where a parent gives up. */
  ended(jobs: Iterable<ModelJob>): void {
    // From the leaves up: what has failed by itself is not cancelled from above.
    const parents = [...new Set(Array.from(jobs, (job) => job.parent))].filter((job) =>
      job !== null
    )
      .toSorted((a, b) => this.jobs.indexOf(b) - this.jobs.indexOf(a));
    // Whose batch is decided comes first: a parent that another one cancels tells no percents before.
    for (const parent of parents.filter((job) => job.isDecided)) this.#advance(parent);
    for (const parent of parents) this.#advance(parent);
  }

  #advance(parent: ModelJob): void {
    if (!parent.advance(() => this.nextCompletion())) return;
    this.echoes.add(parent);
    if (parent.row.status === "failed") this.cancelBelow(parent);
    if (!parent.isActive) this.ended([parent]);
  }

  cancelTree(job: ModelJob, errorCode?: string): void {
    if (job.isActive) job.cancel(errorCode);
    this.cancelBelow(job, errorCode);
    this.ended([job]);
  }

  cancelBelow(job: ModelJob, errorCode?: string): void {
    for (const child of this.descendants(job).filter((each) => each.isActive)) {
      child.cancel(errorCode);
      this.echoes.add(child);
    }
  }

  /** What the sweep does with children whose parent has ended without them; says whether it had to. */
  sweep(): boolean {
    const ended = this.jobs.filter((job) =>
      job.hasEndedBadly && this.descendants(job).some((child) => child.isActive)
    );
    for (const job of ended) this.cancelBelow(job);
    return ended.length > 0;
  }

  /** Revives a job and what ended badly below it. */
  retry(job: ModelJob): void {
    const below = this.descendants(job, (each) => each.hasEndedBadly);
    this.ask(job);
    // From the leaves up: a job looks at its children as they had ended.
    for (const each of [job, ...below]) each.revive();
    for (const each of below) this.echoes.add(each);
    for (const each of [...below.toReversed(), job]) {
      if (each.advance(() => this.nextCompletion()) && each !== job) this.echoes.add(each);
      this.ended([each]);
    }
  }

  descendants(job: ModelJob, follows: (job: ModelJob) => boolean = () => true): ModelJob[] {
    return (job.batch?.children ?? []).map((child) => child.job).filter(follows)
      .flatMap((child) => [child, ...this.descendants(child, follows)]);
  }

  running(jobType: string, user?: string): number {
    return this.jobs.filter((job) =>
      job.jobType === jobType && job.row.status === "processing" && (!user || job.user === user)
    ).length;
  }

  /** A new job, which somebody has just asked for. */
  add(job: ModelJob): void {
    this.ask(job);
    this.jobs.push(job);
  }

  /** The job has just been asked for: created, or retried. */
  ask(job: ModelJob): void {
    job.requested = ++this.#requests;
  }

  /** Jobs that answer this question, the newest request first: that one is joined, while it is active. */
  equals(user: string, jobType: string, question: number): ModelJob[] {
    return this.jobs.filter((job) =>
      !job.parent && job.user === user && job.jobType === jobType && job.question === question
    ).toSorted((a, b) => b.requested - a.requested);
  }
}
