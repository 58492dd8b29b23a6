/** What a sync is asked, remembers between two pages, and answers. */

import { z } from "zod";
import type { ContentSource } from "../platforms/content_source.ts";
import type { Connections } from "../platforms/connections.ts";
import type { QuotaLedger } from "../platforms/provider_quota.ts";
import type { ContentStore } from "./content_store.ts";
import type { JobContext } from "./context.ts";

const count = z.int().nonnegative();

/** Of every `sync_…` job. */
export const params = z.object({
  social_account_id: z.uuid(),
  max_results: z.int().positive().nullish(),
});

/** An item that could not be taken, as the job's owner is told. */
const failure = z.object({ platform_content_id: z.string().nullable(), code: z.string() });

/** How many failures are told one by one; all are counted. */
const MAX_FAILURES = 20;

/** Where a sync stands, with everything that its result adds up. */
export const checkpoint = z.object({
  list_id: z.string().nullable(),
  /** The page to read next; null is the first one. */
  cursor: z.string().nullable(),
  /** 2 once the list has been begun anew. */
  pass: z.int().positive(),
  /** The last page is saved. */
  done: z.boolean(),
  /** The list has been read to its true end. */
  is_complete: z.boolean(),
  /** Distinct items that this pass over the list has shown. */
  fetched: count,
  total: count.nullable(),
  missing: count,
  /** Failed, and not even their ids could be read. */
  unnamed: count,
  failures: z.array(failure).max(MAX_FAILURES),
  pages: count,
  quota_used: count,
  // These the database adds up, by item over all passes.
  new: count,
  updated: count,
  unchanged: count,
  failed: count,
  seen: count,
});

/** Of every `sync_…` job. */
export const result = z.object({
  /** Items that are stored now as the platform has them. */
  synced_count: count,
  new_items: count,
  updated_items: count,
  unchanged: count,
  /** Gone at the platform, and so marked here. */
  removed: count,
  /** In the list, but not to be had: deleted, private or blocked meanwhile. */
  missing: count,
  failed_count: count,
  failures: z.array(failure).max(MAX_FAILURES),
  pages: count,
  /** Calls, or what the platform counts instead of them. */
  quota_used: count,
  /** All that the list showed. */
  total: count,
});

/** Where a sync stands. */
export type SyncState = z.output<typeof checkpoint>;
/** The context of a sync. */
export type SyncContext = JobContext<z.output<typeof params>, SyncState>;

/** What a sync needs from outside. */
export interface SyncDeps {
  connections: Connections;
  content: ContentStore;
  quota: QuotaLedger;
}

/** A sync at work. */
export interface SyncRun {
  ctx: SyncContext;
  deps: SyncDeps;
  source: ContentSource;
}

/** Before the first page. */
export function firstState(list_id: string | null, total: number | null, quota_used: number) {
  return {
    list_id,
    total,
    quota_used,
    cursor: null,
    pass: 1,
    done: false,
    is_complete: false,
    fetched: 0,
    missing: 0,
    unnamed: 0,
    failures: [],
    pages: 0,
    new: 0,
    updated: 0,
    unchanged: 0,
    failed: 0,
    seen: 0,
  } satisfies SyncState;
}

/** The list from its beginning. What was stored or spent before stays. */
export function anew(state: SyncState): SyncState {
  return { ...state, cursor: null, pass: state.pass + 1, fetched: 0, missing: 0, unnamed: 0 };
}

/** The state with more that could not be taken. */
export function withFailures(state: SyncState, failed: SyncState["failures"]): SyncState {
  const told = failed.map(({ platform_content_id, code }) => ({ platform_content_id, code }));
  return { ...state, failures: [...state.failures, ...told].slice(0, MAX_FAILURES) };
}

/** What a sync answers at its end. */
export function summary(state: SyncState, removed: number): z.output<typeof result> {
  const { missing, failures, pages, quota_used, unchanged, unnamed, failed, seen } = state;
  return {
    synced_count: state.new + state.updated + unchanged,
    new_items: state.new,
    updated_items: state.updated,
    unchanged,
    removed,
    missing,
    failed_count: failed + unnamed,
    failures,
    pages,
    quota_used,
    total: seen + missing + unnamed,
  };
}
