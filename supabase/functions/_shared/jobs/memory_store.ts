import type {
  BatchSummary,
  Beat,
  ChildJob,
  ChildPage,
  ClaimedJob,
  Completion,
  Failure,
  GiveBack,
  HeartbeatReply,
  JobStore,
  Lease,
  LogLine,
  Progress,
  Wait,
} from "./job_store.ts";
import { childResult, hasEnded, type MemoryRow, settleParent, summaryOf } from "./memory_rows.ts";

/** Long enough that a test which does not travel in time sees no second attempt. */
const BACKOFF_MS = 60_000;

/** A job table in memory, for tests: the same answers, and switches for trouble. */
export class MemoryStore implements JobStore {
  readonly rows = new Map<string, MemoryRow>();
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

  constructor(private readonly now: () => number = () => 0) {}

  add(job: ClaimedJob, { key = job.id, delayMs = 0 } = {}): MemoryRow {
    const row: MemoryRow = {
      job,
      key,
      status: "pending",
      dueAt: this.now() + delayMs,
      progress: [],
      checkpoint: job.checkpoint,
    };
    this.rows.set(job.id, row);
    this.#wake?.();
    return row;
  }

  /** When the next of these could start; Infinity when none waits for its time. */
  nextDueAt(types: string[]): number {
    const waiting = Array.from(this.rows.values())
      .filter(({ job, status }) => status === "pending" && types.includes(job.job_type));
    return Math.min(...waiting.map(({ dueAt }) => dueAt));
  }

  childrenOf(id: string): MemoryRow[] {
    return Array.from(this.rows.values()).filter(({ job }) => job.parent_job_id === id);
  }

  /** Another worker recovered the job: our token is worth nothing any more. */
  steal(id: string): void {
    const row = this.#row(id);
    row.job = { ...row.job, fencing_token: row.job.fencing_token + 1 };
  }

  cancel(id: string): void {
    this.steal(id);
    this.#row(id).status = "cancelled";
    this.#ended(this.#row(id));
  }

  async claim(_workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]> {
    await this.#call("claim");
    const ready = [...this.rows.values()]
      .filter(({ job, status, dueAt }) =>
        status === "pending" && dueAt <= this.now() && types.includes(job.job_type)
      )
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
      const { retry_count, max_retries } = row.job;
      row.failure = failure;
      row.status = failure.retryable && retry_count < max_retries ? "pending" : "failed";
      if (row.status === "failed") return;
      row.job = { ...row.job, retry_count: retry_count + 1 };
      row.dueAt = this.now() + (failure.retry_after_ms ?? BACKOFF_MS * 2 ** retry_count);
    });
    return new Map(Array.from(settled, (id) => [id, this.#row(id).status]));
  }

  async giveBack(jobs: GiveBack[]): Promise<Set<string>> {
    await this.#call(`give back ${jobs.length}`);
    return this.#settle(jobs, (row, { checkpoint = row.checkpoint, delay_ms = 0 }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: this.now() + delay_ms });
    });
  }

  async waitForChildren(wait: Wait): Promise<string | null> {
    await this.#call("wait");
    const [id] = this.#settle([wait], (row, { checkpoint = row.checkpoint }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: Infinity, wait });
      this.#settleParent(row);
    });
    return id === undefined ? null : this.#row(id).status;
  }

  async createChildren(lease: Lease, children: readonly ChildJob[], checkpoint?: unknown) {
    await this.#call(`create ${children.length}`);
    if (!this.#holds(lease)) return null;
    const parent = this.#row(lease.job_id);
    if (checkpoint !== undefined) parent.checkpoint = checkpoint;
    const known = new Set(this.childrenOf(lease.job_id).map(({ key }) => key));
    return children.map((child) => {
      const key = child.key === undefined
        ? JSON.stringify([child.job_type, child.params])
        : `key:${child.key}`;
      if (known.has(key)) return "joined";
      known.add(key);
      this.add({
        ...parent.job,
        id: crypto.randomUUID(),
        job_type: child.job_type,
        params: child.params,
        checkpoint: null,
        progress_percent: 0,
        retry_count: 0,
        crash_count: 0,
        fencing_token: 0,
        parent_job_id: lease.job_id,
      }, { key, delayMs: child.delay_ms });
      return "created";
    });
  }

  async readBatch(parentId: string): Promise<BatchSummary> {
    await this.#call("batch");
    return summaryOf(this.childrenOf(parentId));
  }

  async readChildren(parentId: string, after: string | null, limit: number): Promise<ChildPage> {
    await this.#call("children");
    const rows = this.childrenOf(parentId).sort((a, b) => a.key < b.key ? -1 : 1);
    const page = rows.filter(({ key }) => after === null || key > after).slice(0, limit);
    const next = page.length < limit ? null : page.at(-1)!.key;
    return { children: page.map(childResult), next };
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

  #row(id: string): MemoryRow {
    const row = this.rows.get(id);
    if (!row) throw new Error(`no job ${id}`);
    return row;
  }

  #holds({ job_id, fencing_token }: Lease): boolean {
    const row = this.#row(job_id);
    return row.status === "processing" && row.job.fencing_token === fencing_token;
  }

  #settle<T extends Lease>(jobs: T[], record: (row: MemoryRow, job: T) => void): Set<string> {
    const held = jobs.filter((job) => this.#holds(job));
    for (const job of held) {
      const row = this.#row(job.job_id);
      record(row, job);
      this.#ended(row);
    }
    return new Set(held.map((job) => job.job_id));
  }

  /** What an end means for the children below and the parent above. */
  #ended(row: MemoryRow): void {
    if (!hasEnded(row)) return;
    for (const child of this.childrenOf(row.job.id)) {
      if (!hasEnded(child)) this.cancel(child.job.id);
    }
    const parent = row.job.parent_job_id && this.rows.get(row.job.parent_job_id);
    if (parent) this.#settleParent(parent);
  }

  #settleParent(parent: MemoryRow): void {
    if (hasEnded(parent)) return;
    settleParent(parent, this.childrenOf(parent.job.id), this.now());
    this.#ended(parent);
  }
}
