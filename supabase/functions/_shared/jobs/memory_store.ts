import type {
  Beat,
  ClaimedJob,
  Completion,
  Failure,
  GiveBack,
  HeartbeatReply,
  JobStore,
  Lease,
  LogLine,
  Progress,
} from "./job_store.ts";

interface Row {
  job: ClaimedJob;
  status: string;
  progress: Progress[];
  checkpoint: unknown;
  result?: unknown;
  failure?: Failure;
}

/** A job table in memory, for tests of the worker: the same answers, and switches for trouble. */
export class MemoryStore implements JobStore {
  readonly rows = new Map<string, Row>();
  readonly calls: string[] = [];
  readonly beats: Beat[] = [];
  readonly logs: LogLine[] = [];
  rings = 0;
  drain = false;
  /** Thrown by every call while set. */
  down: Error | null = null;
  /** Called with each batch before it is recorded; throws to refuse it. */
  onComplete: (jobs: Completion[]) => void = () => {};
  #wake: (() => void) | null = null;

  add(job: ClaimedJob): Row {
    const row: Row = { job, status: "pending", progress: [], checkpoint: job.checkpoint };
    this.rows.set(job.id, row);
    this.#wake?.();
    return row;
  }

  /** Another worker recovered the job: our token is worth nothing any more. */
  steal(id: string): void {
    const row = this.#row(id);
    row.job = { ...row.job, fencing_token: row.job.fencing_token + 1 };
  }

  cancel(id: string): void {
    this.steal(id);
    this.#row(id).status = "cancelled";
  }

  async claim(_workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]> {
    await this.#call("claim");
    const ready = [...this.rows.values()]
      .filter(({ job, status }) => status === "pending" && types.includes(job.job_type))
      .slice(0, limit);
    return ready.map((row) => {
      row.status = "processing";
      row.job = {
        ...row.job,
        fencing_token: row.job.fencing_token + 1,
        checkpoint: row.checkpoint,
      };
      return row.job;
    });
  }

  async heartbeat(beat: Beat): Promise<HeartbeatReply> {
    this.beats.push(beat);
    await this.#call("heartbeat");
    const reply: HeartbeatReply = { held: [], cancelled: [], lost: [], drain: this.drain };
    for (const lease of beat.leases) {
      const cancelled = this.#row(lease.job_id).status === "cancelled";
      const fate = cancelled ? reply.cancelled : this.#holds(lease) ? reply.held : reply.lost;
      fate.push(lease.job_id);
    }
    return reply;
  }

  async unregister(): Promise<void> {
    await this.#call("unregister");
  }

  async saveProgress(lease: Lease, progress: Progress): Promise<boolean> {
    await this.#call("progress");
    const held = this.#holds(lease);
    if (held) this.#row(lease.job_id).progress.push(progress);
    return held;
  }

  async saveCheckpoint(lease: Lease, checkpoint: unknown, progress?: Progress): Promise<boolean> {
    await this.#call("checkpoint");
    const held = this.#holds(lease);
    if (held) {
      const row = this.#row(lease.job_id);
      row.checkpoint = checkpoint;
      if (progress) row.progress.push(progress);
    }
    return held;
  }

  async complete(jobs: Completion[]): Promise<Set<string>> {
    await this.#call(`complete ${jobs.length}`);
    this.onComplete(jobs);
    return this.#settle(
      jobs,
      (row, { result }) => Object.assign(row, { status: "completed", result }),
    );
  }

  async fail(jobs: Failure[]): Promise<Map<string, string>> {
    await this.#call(`fail ${jobs.length}`);
    const settled = this.#settle(jobs, (row, failure) => {
      const again = failure.retryable && row.job.retry_count < row.job.max_retries;
      Object.assign(row, { status: again ? "pending_retry" : "failed", failure });
    });
    const status = (id: string) => this.#row(id).status === "failed" ? "failed" : "pending";
    return new Map([...settled].map((id) => [id, status(id)]));
  }

  async giveBack(jobs: GiveBack[]): Promise<Set<string>> {
    await this.#call(`give back ${jobs.length}`);
    return this.#settle(jobs, (row, { checkpoint }) => {
      row.status = "given_back";
      if (checkpoint !== undefined) row.checkpoint = checkpoint;
    });
  }

  async addLogs(lines: LogLine[]): Promise<void> {
    await this.#call("logs");
    this.logs.push(...lines.filter((line) => this.#holds(line)));
  }

  async ringDoorbell(): Promise<void> {
    await this.#call("ring");
    this.rings += 1;
  }

  listen(onReady: () => void): Promise<() => Promise<void>> {
    this.#wake = onReady;
    return Promise.resolve(() => {
      this.#wake = null;
      return Promise.resolve();
    });
  }

  isBadInput(error: unknown): boolean {
    return error instanceof RangeError;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #call(name: string): Promise<void> {
    this.calls.push(name);
    return this.down ? Promise.reject(this.down) : Promise.resolve();
  }

  #row(id: string): Row {
    const row = this.rows.get(id);
    if (!row) throw new Error(`no job ${id}`);
    return row;
  }

  #holds({ job_id, fencing_token }: Lease): boolean {
    const row = this.#row(job_id);
    return row.status === "processing" && row.job.fencing_token === fencing_token;
  }

  #settle<T extends Lease>(jobs: T[], record: (row: Row, job: T) => void): Set<string> {
    const held = jobs.filter((job) => this.#holds(job));
    for (const job of held) record(this.#row(job.job_id), job);
    return new Set(held.map((job) => job.job_id));
  }
}
