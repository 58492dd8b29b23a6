import type { BatchSummary, ChildJob, ChildPage, Lease, Wait } from "./job_store.ts";
import { childResult, summaryOf } from "./memory_rows.ts";
import { MemoryTable } from "./memory_table.ts";

/** A job table in memory that answers what a worker asks about children; notes every call. */
export class MemoryChildren extends MemoryTable {
  readonly calls: string[] = [];
  /** Thrown by every call while set. */
  down: Error | null = null;
  /** How long every call takes, where that matters. */
  delay: (() => Promise<void>) | null = null;

  async waitForChildren(wait: Wait): Promise<string | null> {
    await this.call("wait");
    const [id] = this.settle([wait], (row, { checkpoint = row.checkpoint }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: Infinity, wait });
    });
    return id === undefined ? null : this.row(id).status;
  }

  async createChildren(lease: Lease, children: readonly ChildJob[], checkpoint?: unknown) {
    await this.call(`create ${children.length}`);
    if (!this.holds(lease)) return null;
    const parent = this.row(lease.job_id);
    if (checkpoint !== undefined) parent.checkpoint = checkpoint;
    return children.map((child) => this.addChild(parent, child));
  }

  async readBatch(parentId: string): Promise<BatchSummary> {
    await this.call("batch");
    return summaryOf(this.childrenOf(parentId));
  }

  async readChildren(parentId: string, after: string | null, limit: number): Promise<ChildPage> {
    await this.call("children");
    const rows = this.childrenOf(parentId).sort((a, b) => a.key < b.key ? -1 : 1);
    const page = rows.filter(({ key }) => after === null || key > after).slice(0, limit);
    const next = page.length < limit ? null : page.at(-1)!.key;
    return { children: page.map(childResult), next };
  }

  protected call(name: string): Promise<void> {
    this.calls.push(name);
    if (this.delay) return this.delay();
    return this.down ? Promise.reject(this.down) : Promise.resolve();
  }
}
