import type { ContentPage } from "../platforms/content_source.ts";
import { RetryableError } from "./errors.ts";
import { spendQuota } from "./spend_quota.ts";
import { type SyncRun, type SyncState, withFailures } from "./sync_state.ts";

/**
 * Reads the page that the state points at, with one token look-up for all its calls. Null when the platform
 * has forgotten the cursor and the list can be begun anew.
 */
export async function readPage(run: SyncRun, state: SyncState): Promise<ContentPage | null> {
  const { ctx: { signal, params }, deps: { connections }, source } = run;
  const orStale = (error: unknown) => {
    if (state.cursor === null || state.pass > 1 || !source.isStaleCursor(error)) throw error;
    return null;
  };
  const wanted = (params.max_results ?? Infinity) - state.fetched;
  const page = await spendQuota(
    run,
    "page",
    () =>
      connections.withAccessToken(params.social_account_id, (accessToken) => {
        signal.throwIfAborted();
        const access = { accessToken, listId: state.list_id };
        // Only of the list: renewing a token may be refused in the same words.
        return source.listPage(access, state.cursor, { signal, wanted }).catch(orStale);
      }),
  );
  if (page !== null && page.next !== null && page.next === state.cursor) {
    throw new RetryableError("PROVIDER_UNAVAILABLE", { message: "The platform repeats a page" });
  }
  return page;
}

/** Stores what a page adds, and the state behind it, in one transaction. */
export async function savePage(
  { ctx, deps: { content }, source }: SyncRun,
  state: SyncState,
  page: ContentPage,
  seen: Set<string>,
): Promise<SyncState> {
  const { max_results, social_account_id } = ctx.params;
  const wanted = (max_results ?? Infinity) - state.fetched;
  const ids = [
    ...page.items.map((item) => item.platform_content_id),
    ...page.missing,
    ...page.failed.flatMap((one) => one.platform_content_id ?? []),
  ];
  // A list that shifts under its reader shows the last of one page again on the next.
  const added = new Set(ids.filter((id) => !seen.has(id)).slice(0, wanted));
  const items = page.items.filter((item) => added.delete(item.platform_content_id));
  const missing = page.missing.filter((id) => added.delete(id));
  const failed = page.failed.filter(({ platform_content_id: id }) =>
    id === null || added.delete(id)
  );
  const there = [...items, ...failed].flatMap((one) => one.platform_content_id ?? []);
  const size = items.length + missing.length + failed.length;
  const fetched = state.fetched + size;
  const done = page.next === null || size >= wanted;
  const next = withFailures({
    ...state,
    cursor: done ? null : page.next,
    done,
    fetched,
    total: page.total ?? state.total,
    missing: state.missing + missing.length,
    unnamed: state.unnamed + failed.filter((one) => one.platform_content_id === null).length,
    pages: state.pages + 1,
    quota_used: state.quota_used + page.quotaUsed,
  }, failed);
  next.is_complete = page.next === null && max_results == null && isBelievable(next, source);
  const saved = await ctx.saveCheckpointWith(
    progressOf(next, max_results ?? Infinity),
    (lease, progress) =>
      content.saveBatch({
        lease,
        socialAccountId: social_account_id,
        items,
        seen: there,
        checkpoint: next,
        progress,
      }),
  );
  for (const id of [...there, ...missing]) seen.add(id);
  return withFailures({ ...next, ...saved.counts }, saved.failed);
}

/** Not a list that may have been cut off, nor an empty one of an account that has content, nor one with something unknown. */
function isBelievable(
  { fetched, total, unnamed }: SyncState,
  { mayStopAt }: SyncRun["source"],
): boolean {
  if (unnamed > 0) return false;
  if (mayStopAt !== null && fetched >= mayStopAt) return false;
  return fetched > 0 || !total;
}

function progressOf({ fetched, total, done, pages }: SyncState, limit: number) {
  // The platform's number may be an estimate, or count what the list does not show.
  const all = done ? fetched : Math.max(fetched, Math.min(total ?? Infinity, limit));
  if (all === Infinity) return { percent: Math.min(90, pages), message: `${fetched} items` };
  const percent = 1 + Math.floor(98 * fetched / Math.max(all, 1));
  return { percent, message: `${fetched} of ${all} items` };
}
