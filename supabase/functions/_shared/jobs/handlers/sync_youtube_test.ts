import assert from "node:assert/strict";
import { AppError } from "../../errors.ts";
import type { NormalizedItem } from "../../platforms/platform.ts";
import { ProviderError, type ProviderFault } from "../../platforms/provider_error.ts";
import type { ContentBatch, ContentCounts } from "../content_store.ts";
import type { AbortReason } from "../errors.ts";
import { runInMemory } from "../testing.ts";
import { syncYouTube, type SyncYouTubeDeps } from "./sync_youtube.ts";

const account = "6f6b1c9e-3f5f-4f0e-9a53-0d0c6b0f3a11";
const playlist = "UU-uploads";

/** A channel, the content it was synced into, and a list of every call in between. */
class World {
  readonly calls: string[] = [];
  readonly stored = new Map<string, string>();
  readonly batches: ContentBatch[] = [];
  /** Ids that the playlist lists and `videos` does not return. */
  readonly gone = new Set<string>();
  /** Called before each provider call; throws to let it fail. */
  before: (call: string) => void = () => {};
  counts: ContentCounts = { new: 0, updated: 0, unchanged: 0 };

  constructor(public pages: string[][]) {}

  static ofVideos(count: number): World {
    const ids = Array.from({ length: count }, (_, n) => `video-${n}`);
    const pages = [];
    for (let at = 0; at < count; at += 50) pages.push(ids.slice(at, at + 50));
    return new World(pages);
  }

  get providerCalls(): number {
    return this.calls.length;
  }

  #called(call: string, signal?: AbortSignal): void {
    signal?.throwIfAborted();
    this.calls.push(call);
    this.before(call);
    signal?.throwIfAborted();
  }

  readonly deps: SyncYouTubeDeps = {
    connections: { withAccessToken: async (_account, use) => await use("access") },
    youtube: {
      getChannel: async (_token, options) => {
        await Promise.resolve(this.#called("channel", options?.signal));
        return { ...channel, video_count: this.pages.flat().length };
      },
      listPlaylistPage: async (_token, playlistId, pageToken, options) => {
        assert.equal(playlistId, playlist);
        await Promise.resolve(this.#called(`page ${pageToken ?? "first"}`, options?.signal));
        const at = pageToken === null ? 0 : Number(pageToken.slice(1));
        const last = at >= this.pages.length - 1;
        return {
          videoIds: this.pages[at] ?? [],
          nextPageToken: last ? null : `P${at + 1}`,
          total: this.pages.flat().length,
        };
      },
      getVideos: async (_token, ids, options) => {
        await Promise.resolve(this.#called(`videos ${ids.length}`, options?.signal));
        return ids.filter((id) => !this.gone.has(id)).map(video).reverse();
      },
    },
    content: { saveBatch: (batch) => Promise.resolve(this.#save(batch)) },
  };

  #save(batch: ContentBatch): ContentCounts {
    this.batches.push(batch);
    for (const item of batch.items) {
      const known = this.stored.get(item.platform_content_id);
      this.counts[known === undefined ? "new" : known === item.title ? "unchanged" : "updated"] +=
        1;
      this.stored.set(item.platform_content_id, item.title);
    }
    return { ...this.counts };
  }

  /** The checkpoint as the database holds it after the last batch. */
  get checkpoint() {
    return { ...this.batches.at(-1)!.checkpoint as typeof start, ...this.counts };
  }

  run(options: Partial<Parameters<typeof runInMemory<P, C, R, SyncYouTubeDeps>>[1]> = {}) {
    const params = { social_account_id: account };
    return runInMemory(syncYouTube, { params, deps: this.deps, ...options });
  }
}

type Spec = typeof syncYouTube.spec;
type P = Spec["params"];
type C = Spec["checkpoint"];
type R = Spec["result"];

const channel = {
  platform_account_id: "UC-channel",
  handle: "@channel",
  display_name: "Channel",
  avatar_url: null,
  follower_count: 1,
  uploads_playlist_id: playlist,
};

const start = {
  uploads_playlist_id: playlist,
  page_token: null as string | null,
  done: false,
  fetched: 0,
  total: 0,
  missing: 0,
  batches: 0,
  new: 0,
  updated: 0,
  unchanged: 0,
};

function video(id: string): NormalizedItem {
  return {
    platform_content_id: id,
    content_type: "long_video",
    title: `Title of ${id}`,
    description: "",
    url: `https://www.youtube.com/watch?v=${id}`,
    thumbnail_url: null,
    duration_seconds: 60,
    view_count: 1,
    like_count: null,
    comment_count: null,
    tags: [],
    hashtags: [],
    category: null,
    published_at: null,
    visibility: "public",
    platform_data: {},
  };
}

function fault(fault: Partial<ProviderFault>): ProviderError {
  return new ProviderError({
    provider: "youtube",
    httpStatus: 400,
    code: "400",
    reason: "reason",
    message: "secret body of the provider",
    class: "invalid_input",
    ...fault,
  });
}

Deno.test("sync_youtube stores 250 videos in 5 batches with 11 calls", async () => {
  const world = World.ofVideos(250);
  const { outcome } = await world.run();
  assert.deepEqual(outcome, {
    kind: "completed",
    result: { total: 250, new: 250, updated: 0, unchanged: 0, missing: 0, batches: 5 },
  });
  assert.equal(world.stored.size, 250);
  assert.equal(world.providerCalls, 1 + 5 + 5);
  assert.deepEqual(world.batches.map((batch) => batch.progress.message), [
    "50 of 250 videos",
    "100 of 250 videos",
    "150 of 250 videos",
    "200 of 250 videos",
    "250 of 250 videos",
  ]);
});

Deno.test("sync_youtube run again finds everything unchanged, and what was renamed updated", async () => {
  const world = World.ofVideos(120);
  await world.run();
  world.counts = { new: 0, updated: 0, unchanged: 0 };
  world.stored.set("video-7", "an older title");
  const { outcome } = await world.run();
  assert.deepEqual(outcome, {
    kind: "completed",
    result: { total: 120, new: 0, updated: 1, unchanged: 119, missing: 0, batches: 3 },
  });
});

Deno.test("sync_youtube after a crash asks the provider only for the rest", async () => {
  const world = World.ofVideos(250);
  world.before = (call) => {
    if (call === "page P3") throw new Error("the process died");
  };
  await world.run();
  assert.equal(world.stored.size, 150);
  world.before = () => {};
  world.calls.length = 0;
  const { outcome } = await world.run({ checkpoint: world.checkpoint });
  assert.deepEqual(world.calls, ["page P3", "videos 50", "page P4", "videos 50"]);
  assert.equal(outcome.kind === "completed" && outcome.result !== null, true);
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    total: 250,
    new: 250,
    updated: 0,
    unchanged: 0,
    missing: 0,
    batches: 5,
  });
});

Deno.test("sync_youtube that crashed after its last page calls nobody and completes", async () => {
  const world = World.ofVideos(60);
  await world.run();
  world.calls.length = 0;
  const { outcome } = await world.run({ checkpoint: world.checkpoint });
  assert.equal(outcome.kind, "completed");
  assert.deepEqual(world.calls, []);
});

Deno.test("sync_youtube calls the provider no more once it is cancelled", async () => {
  const world = World.ofVideos(250);
  let stop: (reason: AbortReason) => void = () => {};
  world.before = (call) => {
    if (call === "page P1") stop("cancelled");
  };
  const { outcome } = await world.run({ started: (control) => stop = control.abort });
  assert.deepEqual(outcome, { kind: "cancelled" });
  assert.equal(world.calls.at(-1), "page P1");
  assert.equal(world.batches.length, 1);
});

Deno.test("sync_youtube yields at the end of its slice and goes on from there", async () => {
  const world = World.ofVideos(250);
  const first = await world.run({ remaining: () => world.batches.length >= 2 ? 0 : 1_000 });
  assert.equal(first.outcome.kind, "yielded");
  assert.equal(world.stored.size, 100);
  const second = await world.run({ checkpoint: world.checkpoint });
  assert.equal(second.outcome.kind, "completed");
  assert.equal(world.stored.size, 250);
});

Deno.test("sync_youtube counts a video once that two pages show", async () => {
  const world = World.ofVideos(100);
  world.pages[1]!.unshift("video-49");
  world.pages[1]!.push("video-99");
  const { outcome } = await world.run();
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    total: 100,
    new: 100,
    updated: 0,
    unchanged: 0,
    missing: 0,
    batches: 2,
  });
});

Deno.test("sync_youtube counts what the playlist lists and the details lack as missing", async () => {
  const world = World.ofVideos(60);
  for (const id of ["video-3", "video-4", "video-55"]) world.gone.add(id);
  const { outcome } = await world.run();
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    total: 60,
    new: 57,
    updated: 0,
    unchanged: 0,
    missing: 3,
    batches: 2,
  });
});

Deno.test("sync_youtube stops at max_results without reading further pages", async () => {
  const world = World.ofVideos(250);
  const params = { social_account_id: account, max_results: 70 };
  const { outcome } = await world.run({ params });
  assert.equal(outcome.kind, "completed");
  assert.equal(world.stored.size, 70);
  assert.deepEqual(world.calls, ["channel", "page first", "videos 50", "page P1", "videos 20"]);
  assert.equal(world.batches.at(-1)!.progress.message, "70 of 70 videos");
});

Deno.test("sync_youtube reads again from the first page when its page token has expired", async () => {
  const world = World.ofVideos(150);
  world.before = (call) => {
    if (call === "page P2") throw new Error("the process died");
  };
  await world.run();
  const resumed = world.checkpoint;
  let refused = false;
  world.before = (call) => {
    if (call !== "page P2" || refused) return;
    refused = true;
    throw fault({ reason: "invalidPageToken" });
  };
  const { outcome } = await world.run({ checkpoint: resumed });
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    total: 150,
    new: 150,
    updated: 0,
    unchanged: 0,
    missing: 0,
    batches: 3,
  });
});

Deno.test("sync_youtube does not restart for ever when page tokens never work", async () => {
  const world = World.ofVideos(150);
  world.before = (call) => {
    if (call === "page P1") throw fault({ reason: "invalidPageToken" });
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_REJECTED");
  assert.equal(world.calls.filter((call) => call === "page P1").length, 2);
});

Deno.test("sync_youtube waits exactly as long as a 429 asks for", async () => {
  const world = World.ofVideos(100);
  world.before = (call) => {
    if (call === "videos 50") {
      throw fault({ httpStatus: 429, class: "retry_after", retryAfterMs: 7_000 });
    }
  };
  const { outcome } = await world.run();
  assert.deepEqual(outcome, {
    kind: "failed",
    code: "PROVIDER_RATE_LIMITED",
    message: "The platform asked us to slow down (youtube: reason)",
    retryable: true,
    retryAfterMs: 7_000,
  });
});

Deno.test("sync_youtube ends at a used-up daily quota and keeps what it has", async () => {
  const world = World.ofVideos(150);
  world.before = (call) => {
    if (call === "page P1") {
      throw fault({
        httpStatus: 403,
        class: "quota_daily",
        reason: "quotaExceeded",
        retryAfterMs: 1,
      });
    }
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_QUOTA_EXCEEDED");
  assert.equal(outcome.kind === "failed" && outcome.retryable, false);
  assert.equal(world.checkpoint.page_token, "P1");
});

Deno.test("sync_youtube retries an answer that was cut off, without showing it to anybody", async () => {
  const world = World.ofVideos(50);
  world.before = (call) => {
    if (call !== "channel") throw fault({ reason: "invalid_json", class: "retry_transient" });
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_UNAVAILABLE");
  assert.equal(outcome.kind === "failed" && outcome.retryable, true);
  assert.doesNotMatch(JSON.stringify(outcome), /secret body/);
});

Deno.test("sync_youtube of a revoked connection is fatal", async () => {
  const world = World.ofVideos(50);
  world.before = () => {
    throw new AppError("CONNECTION_REVOKED");
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "CONNECTION_REVOKED");
  assert.equal(outcome.kind === "failed" && outcome.retryable, false);
});

Deno.test("sync_youtube takes a channel without uploads, with or without a playlist behind it", async () => {
  const empty = new World([]);
  const nothing = { total: 0, new: 0, updated: 0, unchanged: 0, missing: 0, batches: 0 };
  assert.deepEqual((await empty.run()).outcome, { kind: "completed", result: nothing });
  empty.before = (call) => {
    if (call === "page first") throw fault({ httpStatus: 404, class: "not_found" });
  };
  assert.deepEqual((await empty.run()).outcome, { kind: "completed", result: nothing });
});

Deno.test("sync_youtube reads on after an empty page that has a next one", async () => {
  const world = new World([["a"], [], ["b"]]);
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "completed" && world.stored.size, 2);
  assert.equal(world.batches.at(-1)!.checkpoint !== null && world.checkpoint.batches, 2);
});

Deno.test("sync_youtube gives up its lease as soon as a batch is refused", async () => {
  const world = World.ofVideos(100);
  const deps = {
    ...world.deps,
    content: { saveBatch: () => Promise.reject(new AppError("LEASE_LOST")) },
  };
  const { outcome } = await world.run({ deps });
  assert.deepEqual(outcome, { kind: "lost" });
  assert.deepEqual(world.calls, ["channel", "page first", "videos 50"]);
});

Deno.test("sync_youtube refuses params that are not valid before it calls anybody", async () => {
  const world = World.ofVideos(50);
  const { outcome } = await world.run({ params: { social_account_id: "not-an-id" } });
  assert.equal(outcome.kind === "failed" && outcome.code, "INVALID_PARAMS");
  assert.deepEqual(world.calls, []);
});
