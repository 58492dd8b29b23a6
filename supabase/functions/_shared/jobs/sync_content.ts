import type { ContentSource } from "../platforms/content_source.ts";
import { defineJob } from "./define_job.ts";
import { RetryableError } from "./errors.ts";
import { spendQuota } from "./spend_quota.ts";
import { readPage, savePage } from "./sync_page.ts";
import {
  anew,
  checkpoint,
  firstState,
  params,
  result,
  summary,
  type SyncContext,
  type SyncDeps,
  type SyncRun,
  type SyncState,
} from "./sync_state.ts";

/** Pages in a row that add nothing: a platform may hide this much, and more is a list without an end. */
const MAX_EMPTY_PAGES = 50;
/** A longer pause than this is not worth a worker's place. */
const MAX_SLEEP_MS = 5_000;

/**
 * The sync of a platform: brings an account's content into `content_item` page by page. Each page and the
 * checkpoint behind it are one transaction, and saving is by natural key, so that a crash costs at most one
 * page and a repeated page changes nothing.
 */
export function defineSync<P extends string>(source: ContentSource & { platform: P }) {
  return defineJob({
    type: `sync_${source.platform}`,
    params,
    checkpoint,
    result,
    async run(ctx: SyncContext, deps: SyncDeps) {
      const run: SyncRun = { ctx, deps, source };
      const state = await readAll(run, ctx.checkpoint ?? await begin(run));
      const removed = await deps.content.finish({
        lease: ctx.lease,
        socialAccountId: ctx.params.social_account_id,
        isComplete: state.is_complete,
      });
      const counts = summary(state, removed);
      ctx.log.info("Account synced", counts);
      return counts;
    },
  });
}

async function begin(run: SyncRun): Promise<SyncState> {
  const { ctx, deps: { connections, content }, source } = run;
  const { signal, params } = ctx;
  const account = await spendQuota(
    run,
    "account",
    () =>
      connections.withAccessToken(
        params.social_account_id,
        (token) => source.readAccount(token, { signal }),
      ),
  );
  await content.updateAccount(ctx.lease, params.social_account_id, account);
  return firstState(account.list_id, account.content_count, source.cost?.account ?? 1);
}

async function readAll(run: SyncRun, from: SyncState): Promise<SyncState> {
  const { ctx } = run;
  const seen = new Set<string>();
  let state = from;
  let empty = 0;
  while (!state.done) {
    const page = await readPage(run, state);
    if (page === null) {
      ctx.log.warning("The cursor is no longer valid, reading again from the first page");
      seen.clear();
      state = anew(state);
      await ctx.saveCheckpoint(state);
      continue;
    }
    const before = state.fetched;
    state = await savePage(run, state, page, seen);
    if (state.done) break;
    empty = state.fetched > before ? 0 : empty + 1;
    if (empty > MAX_EMPTY_PAGES) {
      throw new RetryableError("PROVIDER_UNAVAILABLE", { message: "The platform shows no end" });
    }
    if (page.pauseMs > MAX_SLEEP_MS) ctx.snooze(page.pauseMs);
    if (ctx.remaining() === 0) ctx.yield();
    if (page.pauseMs > 0) await ctx.sleep(page.pauseMs);
  }
  return state;
}
