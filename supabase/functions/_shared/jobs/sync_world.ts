/** A platform, the content it is synced into, and all that happens in between: for tests of syncs. */

import type { ContentSource } from "../platforms/content_source.ts";
import { ProviderError } from "../platforms/provider_error.ts";
import type { ContentBatch, ContentCounts, ContentEnd } from "./content_store.ts";
import { itemOf, plainAccount } from "./sync_samples.ts";
import { defineSync } from "./sync_content.ts";
import type { SyncDeps, SyncState } from "./sync_state.ts";
import { runInMemory } from "./testing.ts";

type Run = Partial<Omit<Parameters<typeof runInMemory>[1], "deps">>;
const nothing: ContentCounts = { new: 0, updated: 0, unchanged: 0, failed: 0, seen: 0 };

/** All of it, in memory. */
export class SyncWorld {
  readonly calls: string[] = [];
  readonly stored = new Map<string, string>();
  readonly batches: ContentBatch[] = [];
  readonly ends: ContentEnd[] = [];
  /** Ids that the list names and that there are no details of. */
  readonly gone = new Set<string>();
  /** Ids whose details cannot be read. */
  readonly strange = new Set<string>();
  readonly exhausted: Date[] = [];
  /** Called before each provider call; throws to let it fail. */
  before: (call: string) => void = () => {};
  pauseMs = 0;
  mayStopAt: number | null = null;
  contentCount: number | null = null;
  cost: ContentSource["cost"] = null;
  unitsLeft = Infinity;
  resetsAt = new Date(0);
  #seen = new Map<string, keyof ContentCounts>();

  constructor(public pages: string[][]) {}

  /** A list of so many items in pages of 50. */
  static of(count: number): SyncWorld {
    const ids = Array.from({ length: count }, (_, n) => `item-${n}`);
    const pages = [];
    for (let at = 0; at < count; at += 50) pages.push(ids.slice(at, at + 50));
    return new SyncWorld(pages);
  }

  /** The next job: nothing seen yet. */
  anew(): void {
    this.#seen.clear();
    this.calls.length = this.batches.length = this.ends.length = 0;
  }

  #called(call: string, signal?: AbortSignal): void {
    signal?.throwIfAborted();
    this.calls.push(call);
    this.before(call);
    signal?.throwIfAborted();
  }

  get source(): ContentSource & { platform: "tiktok" } {
    return {
      platform: "tiktok",
      cost: this.cost,
      mayStopAt: this.mayStopAt,
      readAccount: async (_token, options) => {
        await Promise.resolve(this.#called("account", options?.signal));
        return { ...plainAccount, content_count: this.contentCount };
      },
      listPage: async ({ listId }, cursor, { signal, wanted }) => {
        await Promise.resolve(this.#called(`page ${cursor ?? "first"} of ${listId}`, signal));
        const at = cursor === null ? 0 : Number(cursor.slice(1));
        const ids = [...new Set(this.pages[at] ?? [])].slice(0, wanted);
        const there = ids.filter((id) => !this.gone.has(id));
        return {
          items: there.filter((id) => !this.strange.has(id)).map(itemOf),
          missing: ids.filter((id) => this.gone.has(id)),
          failed: there.filter((id) => this.strange.has(id)).map((id) => ({
            platform_content_id: id === "nameless" ? null : id,
            code: "VALIDATION_ERROR" as const,
          })),
          next: at >= this.pages.length - 1 ? null : `P${at + 1}`,
          total: this.contentCount === null ? this.pages.flat().length : null,
          quotaUsed: 1,
          pauseMs: this.pauseMs,
        };
      },
      isStaleCursor: (error) => error instanceof ProviderError && error.reason === "stale",
    };
  }

  readonly deps: SyncDeps = {
    connections: { withAccessToken: async (_account, use) => await use("access", "tiktok") },
    content: {
      saveBatch: (batch) => Promise.resolve({ counts: this.#save(batch), failed: [] }),
      finish: (end) => Promise.resolve(this.ends.push(end) && (end.isComplete ? 3 : 0)),
      updateAccount: (_lease, _account, facts) =>
        Promise.resolve(void this.calls.push(`facts of ${facts.display_name}`)),
    },
    quota: {
      reserve: (_platform, _bucket, units) => {
        const allowed = units <= this.unitsLeft;
        if (allowed) this.unitsLeft -= units;
        return Promise.resolve({ allowed, resetsAt: this.resetsAt });
      },
      reportExhausted: (_platform, _bucket, at) => Promise.resolve(void this.exhausted.push(at)),
    },
  };

  #save(batch: ContentBatch): ContentCounts {
    this.batches.push(batch);
    for (const { platform_content_id: id, title } of batch.items) {
      const known = this.stored.get(id);
      const outcome = known === undefined ? "new" : known === title ? "unchanged" : "updated";
      this.#seen.set(id, this.#seen.get(id) ?? outcome);
      this.stored.set(id, title);
    }
    for (const id of batch.seen) this.#seen.set(id, this.#seen.get(id) ?? "failed");
    const counts = { ...nothing, seen: this.#seen.size };
    for (const outcome of this.#seen.values()) counts[outcome] += 1;
    this.#counts = counts;
    return counts;
  }
  #counts = nothing;

  /** The checkpoint as the database holds it after the last batch. */
  get checkpoint(): SyncState {
    return { ...this.batches.at(-1)!.checkpoint as SyncState, ...this.#counts };
  }

  /** Runs the sync. */
  run(options: Run & { params?: { max_results: number } } = {}) {
    const { params, checkpoint, ...others } = options;
    return runInMemory(defineSync(this.source), {
      deps: this.deps,
      ...others,
      params: { social_account_id: "6f6b1c9e-3f5f-4f0e-9a53-0d0c6b0f3a11", ...params },
      ...(checkpoint !== undefined && { checkpoint: checkpoint as SyncState }),
    });
  }
}
