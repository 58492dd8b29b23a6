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
import { childResult, summaryOf } from "./memory_rows.ts";
import { MemoryTable } from "./memory_table.ts";

/** Long enough that a test which does not travel in time sees no second attempt. */
const BACKOFF_MS = 60_000;
const MAX_RETRIES = 3;

/** A job table in memory, for tests: the same answers, and switches for trouble. */
export class MemoryStore extends MemoryTable implements JobStore {
  readonly calls: string[] = [];
  readonly beats: Beat[] = [];
  readonly logs: LogLine[] = [];
  rings = 0;
  drain = false;
  /** Thrown by every call while set. */
  down: Error | null = null;
  /** Called with each batch before it is recorded; throws to refuse it. */
  onComplete: (jobs: Completion[]) => void = () => {};

  async claim(_workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]> {
    await this.#call("claim");
    return this.take(limit, types);
  }

  async heartbeat(beat: Beat): Promise<HeartbeatReply> {
    this.beats.push(beat);
    await this.#call("heartbeat");
    const reply: HeartbeatReply = { held: [], cancelled: [], lost: [], drain: this.drain };
    for (const lease of beat.leases) {
      const cancelled = this.row(lease.job_id).status === "cancelled";
      const fate = cancelled ? reply.cancelled : this.holds(lease) ? reply.held : reply.lost;
      fate.push(lease.job_id);
    }
    return reply;
  }

  async unregister(): Promise<void> {
    await this.#call("unregister");
  }

  async saveProgress(lease: Lease, progress: Progress): Promise<boolean> {
    await this.#call("progress");
    const held = this.holds(lease);
    if (held) this.row(lease.job_id).progress.push(progress);
    return held;
  }

  async saveCheckpoint(lease: Lease, checkpoint: unknown, progress?: Progress): Promise<boolean> {
    await this.#call("checkpoint");
    const held = this.holds(lease);
    if (held) {
      const row = this.row(lease.job_id);
      row.checkpoint = checkpoint;
      if (progress) row.progress.push(progress);
    }
    return held;
  }

  async complete(jobs: Completion[]): Promise<Set<string>> {
    await this.#call(`complete ${jobs.length}`);
    this.onComplete(jobs);
    const recorded = this.settle(
      jobs,
      (row, { result }) => Object.assign(row, { status: "completed", result }),
    );
    return new Set(jobs.map(({ job_id }) => job_id)).difference(recorded);
  }

  async fail(jobs: Failure[]): Promise<Map<string, string>> {
    await this.#call(`fail ${jobs.length}`);
    const settled = this.settle(jobs, (row, failure) => {
      const retry_count = row.job.retry_count ?? 0;
      row.failure = failure;
      row.status = failure.retryable && retry_count < MAX_RETRIES ? "pending" : "failed";
      if (row.status === "failed") return;
      row.job = { ...row.job, retry_count: retry_count + 1 };
      row.dueAt = this.now() + (failure.retry_after_ms ?? BACKOFF_MS * 2 ** retry_count);
    });
    return new Map(Array.from(settled, (id) => [id, this.row(id).status]));
  }

  async giveBack(jobs: GiveBack[]): Promise<Set<string>> {
    await this.#call(`give back ${jobs.length}`);
    return this.settle(jobs, (row, { checkpoint = row.checkpoint, delay_ms = 0 }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: this.now() + delay_ms });
    });
  }

  async waitForChildren(wait: Wait): Promise<string | null> {
    await this.#call("wait");
    const [id] = this.settle([wait], (row, { checkpoint = row.checkpoint }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: Infinity, wait });
    });
    return id === undefined ? null : this.row(id).status;
  }

  async createChildren(lease: Lease, children: readonly ChildJob[], checkpoint?: unknown) {
    await this.#call(`create ${children.length}`);
    if (!this.holds(lease)) return null;
    const parent = this.row(lease.job_id);
    if (checkpoint !== undefined) parent.checkpoint = checkpoint;
    return children.map((child) => this.addChild(parent, child));
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
    this.logs.push(...lines.filter((line) => this.holds(line)));
  }

  async hasDueWork(): Promise<boolean> {
    await this.#call("due");
    return Array.from(this.rows.values())
      .some(({ status, dueAt }) => status === "pending" && dueAt <= this.now());
  }

  async ringDoorbell(): Promise<void> {
    await this.#call("ring");
    this.rings += 1;
  }

  listen(onReady: () => void): Promise<() => Promise<void>> {
    this.onAdded = onReady;
    return Promise.resolve(() => {
      this.onAdded = () => {};
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
}
