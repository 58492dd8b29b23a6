import type { ChildJob, ClaimedJob, Lease } from "./job_store.ts";
import { hasEnded, type MemoryRow, settleParent } from "./memory_rows.ts";
import { MemorySleep } from "./memory_sleep.ts";

/** Jobs in memory, under the rules of the real table: leases fence, children follow their parent. */
export class MemoryTable {
  readonly rows = new Map<string, MemoryRow>();
  readonly sleep = new MemorySleep();

  constructor(protected readonly now: () => number = () => 0) {}

  add(job: ClaimedJob, options: { key?: string; delayMs?: number } = {}): MemoryRow {
    const row = this.#enter(job, options);
    this.sleep.ready();
    return row;
  }

  /** Adds a job as whoever creates one alone does: a worker that sleeps is handed it. */
  create(job: ClaimedJob): MemoryRow {
    const isHandedOver = this.sleep.mayTake(job.job_type);
    const row = this.#enter(job);
    if (isHandedOver) this.sleep.handOver(this.take(1, [job.job_type])[0]!);
    else this.sleep.ready();
    return row;
  }

  row(id: string): MemoryRow {
    const row = this.rows.get(id);
    if (!row) throw new Error(`no job ${id}`);
    return row;
  }

  childrenOf(id: string): MemoryRow[] {
    return Array.from(this.rows.values()).filter(({ job }) => job.parent_job_id === id);
  }

  /** When the next of these could start; Infinity when none waits for its time. */
  nextDueAt(types: string[]): number {
    return Math.min(...this.#pending(types).map(({ dueAt }) => dueAt));
  }

  /** Another worker recovered the job: our token is worth nothing any more. */
  steal(id: string): void {
    const row = this.row(id);
    row.job = { ...row.job, fencing_token: row.job.fencing_token + 1 };
  }

  cancel(id: string): void {
    this.steal(id);
    this.row(id).status = "cancelled";
    this.#ended(this.row(id));
  }

  protected take(limit: number, types: string[], hasCrashed = false): ClaimedJob[] {
    const due = this.#pending(types)
      .filter((row) => row.dueAt <= this.now() && (row.hasCrashed ?? false) === hasCrashed);
    return due.slice(0, limit).map((row) => {
      this.steal(row.job.id);
      row.status = "processing";
      return row.job = { ...row.job, checkpoint: row.checkpoint };
    });
  }

  protected holds({ job_id, fencing_token }: Lease): boolean {
    const { status, job } = this.row(job_id);
    return status === "processing" && job.fencing_token === fencing_token;
  }

  /** Records what these leases still allow; the ids of those jobs. */
  protected settle<T extends Lease>(
    jobs: T[],
    record: (row: MemoryRow, job: T) => void,
  ): Set<string> {
    const held = jobs.filter((job) => this.holds(job));
    for (const job of held) {
      const row = this.row(job.job_id);
      record(row, job);
      if (row.wait) this.#settleParent(row);
      this.#ended(row);
    }
    return new Set(held.map((job) => job.job_id));
  }

  protected addChild(parent: MemoryRow, child: ChildJob): "created" | "joined" {
    const key = child.key === undefined
      ? JSON.stringify([child.job_type, child.params])
      : `key:${child.key}`;
    if (this.childrenOf(parent.job.id).some((other) => other.key === key)) return "joined";
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
      parent_job_id: parent.job.id,
    }, { key, delayMs: child.delay_ms });
    return "created";
  }

  #enter(job: ClaimedJob, { key = job.id, delayMs = 0 } = {}): MemoryRow {
    const row: MemoryRow = {
      job,
      key,
      status: "pending",
      dueAt: this.now() + delayMs,
      progress: [],
      checkpoint: job.checkpoint,
    };
    this.rows.set(job.id, row);
    return row;
  }

  #pending(types: string[]): MemoryRow[] {
    return Array.from(this.rows.values())
      .filter(({ job, status }) => status === "pending" && types.includes(job.job_type));
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
