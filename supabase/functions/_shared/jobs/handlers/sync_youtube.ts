import { z } from "zod";
import type { Connections } from "../../platforms/connections.ts";
import { ProviderError } from "../../platforms/provider_error.ts";
import type { YouTubeApi } from "../../platforms/youtube.ts";
import type { ContentStore } from "../content_store.ts";
import type { JobContext } from "../context.ts";
import { defineJob } from "../define_job.ts";
import { readUploadsPage } from "../uploads_page.ts";

const count = z.int().nonnegative();

const params = z.object({
  social_account_id: z.uuid(),
  max_results: z.int().positive().nullish(),
});

const checkpoint = z.object({
  uploads_playlist_id: z.string(),
  /** The page to read next; null is the first one. */
  page_token: z.string().nullable(),
  /** The last page is saved; what is left is to say so. */
  done: z.boolean().default(false),
  fetched: count,
  total: count,
  missing: count.default(0),
  batches: count,
  new: count,
  updated: count,
  unchanged: count,
});

const result = z.object({
  total: count,
  new: count,
  updated: count,
  unchanged: count,
  /** In the playlist, but not to be had: deleted, private or blocked meanwhile. */
  missing: count,
  batches: count,
});

type Params = z.output<typeof params>;
type Checkpoint = z.output<typeof checkpoint>;
type Context = JobContext<Params, Checkpoint>;

/** What the handler needs from outside. */
export interface SyncYouTubeDeps {
  youtube: YouTubeApi;
  connections: Connections;
  content: ContentStore;
}

/**
 * Brings a channel's videos into `content_item`: the uploads playlist page by page, details by id,
 * one transaction per page. Each page ends in a checkpoint, and saving is by natural key, so that a
 * crash costs at most one page and a repeated page changes nothing.
 */
export const syncYouTube = defineJob({
  type: "sync_youtube",
  params,
  checkpoint,
  result,
  async run(ctx: Context, deps: SyncYouTubeDeps) {
    let state = ctx.checkpoint ?? await begin(ctx, deps);
    const seen = new Set<string>();
    let restarted = false;
    while (!state.done) {
      try {
        state = await syncPage(ctx, deps, state, seen);
      } catch (error) {
        if (restarted || state.page_token === null || !isStaleToken(error)) throw error;
        ctx.log.warning("Page token no longer valid, reading again from the first page");
        restarted = true;
        seen.clear();
        state = fromFirstPage(state);
        await ctx.saveCheckpoint(state);
      }
      if (ctx.remaining() === 0 && !state.done) ctx.yield();
    }
    const counts = summary(state);
    ctx.log.info("Channel synced", counts);
    return counts;
  },
});

async function begin(ctx: Context, { youtube, connections }: SyncYouTubeDeps): Promise<Checkpoint> {
  const { signal, params } = ctx;
  const channel = await connections.withAccessToken(
    params.social_account_id,
    (token) => youtube.getChannel(token, { signal }),
  );
  return {
    uploads_playlist_id: channel.uploads_playlist_id,
    page_token: null,
    done: false,
    fetched: 0,
    total: channel.video_count ?? 0,
    missing: 0,
    batches: 0,
    new: 0,
    updated: 0,
    unchanged: 0,
  };
}

/** What was created or changed before the restart was still done by this job. */
function fromFirstPage(state: Checkpoint): Checkpoint {
  return { ...state, page_token: null, fetched: 0, missing: 0, batches: 0, unchanged: 0 };
}

function isStaleToken(error: unknown): boolean {
  return error instanceof ProviderError && error.reason === "invalidPageToken";
}

async function syncPage(
  ctx: Context,
  deps: SyncYouTubeDeps,
  state: Checkpoint,
  seen: Set<string>,
): Promise<Checkpoint> {
  const wanted = (ctx.params.max_results ?? Infinity) - state.fetched;
  const { page, ids, items } = await readUploadsPage(deps, {
    socialAccountId: ctx.params.social_account_id,
    playlistId: state.uploads_playlist_id,
    pageToken: state.page_token,
    seen,
    wanted,
    signal: ctx.signal,
  });
  const fetched = state.fetched + ids.length;
  const total = Math.max(fetched, Math.min(page.total, ctx.params.max_results ?? Infinity));
  const done = page.nextPageToken === null || ids.length >= wanted;
  const next: Checkpoint = {
    ...state,
    page_token: done ? null : page.nextPageToken,
    done,
    fetched,
    total,
    missing: state.missing + ids.length - items.length,
    batches: state.batches + (ids.length > 0 ? 1 : 0),
  };
  const progress = {
    percent: 1 + Math.floor(98 * fetched / Math.max(total, 1)),
    message: `${fetched} of ${total} videos`,
  };
  const counts = await ctx.saveCheckpointWith(progress, (lease, carried) =>
    deps.content.saveBatch({
      lease,
      socialAccountId: ctx.params.social_account_id,
      items,
      checkpoint: next,
      progress: carried,
    }));
  for (const id of ids) seen.add(id);
  return { ...next, ...counts };
}

/** `unchanged` is what is left: a restart sees again what this job created before. */
function summary(state: Checkpoint): z.input<typeof result> {
  const { fetched: total, new: created, updated, missing, batches } = state;
  return {
    total,
    new: created,
    updated,
    unchanged: Math.max(0, total - missing - created - updated),
    missing,
    batches,
  };
}
