import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { serveFake } from "../testing/fake_server.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";
import { createYouTube } from "./youtube.ts";
import { untilPacificMidnight } from "./youtube_fault.ts";

const CHANNEL = {
  items: [{
    id: "UC1",
    snippet: {
      title: "Ada",
      customUrl: "@ada",
      thumbnails: { default: { url: "d" }, medium: { url: "m" } },
    },
    contentDetails: { relatedPlaylists: { uploads: "UU1" } },
    statistics: { subscriberCount: "1234", hiddenSubscriberCount: false, videoCount: "250" },
  }],
};

Deno.test("getChannel() asks for the token's own channel and maps it", async () => {
  await using server = serveFake(() => Response.json(CHANNEL));
  const channel = await createYouTube(() => server.url).getChannel("t0k3n");
  assert.deepEqual(channel, {
    platform_account_id: "UC1",
    handle: "@ada",
    display_name: "Ada",
    avatar_url: "m",
    follower_count: 1234,
    uploads_playlist_id: "UU1",
    video_count: 250,
  });
  const [request] = server.seen;
  assert.equal(request!.path, "/channels");
  assert.equal(request!.query.get("mine"), "true");
  assert.equal(request!.authorization, "Bearer t0k3n");
});

Deno.test("getChannel() gives no follower count when the creator hides it", async () => {
  const hidden = structuredClone(CHANNEL);
  hidden.items[0]!.statistics.hiddenSubscriberCount = true;
  await using server = serveFake(() => Response.json(hidden));
  assert.equal((await createYouTube(() => server.url).getChannel("t")).follower_count, null);
});

Deno.test("getChannel() throws NO_CHANNEL when the answer has no items", async () => {
  await using server = serveFake(() => Response.json({ pageInfo: { totalResults: 0 } }));
  await assert.rejects(
    createYouTube(() => server.url).getChannel("t"),
    (error) => error instanceof AppError && error.code === "NO_CHANNEL",
  );
});

Deno.test("listPlaylistPage() asks for 50 and hands on the page token", async () => {
  await using server = serveFake(() =>
    Response.json({
      nextPageToken: "P3",
      pageInfo: { totalResults: 120 },
      items: [{ contentDetails: { videoId: "a" } }, { contentDetails: { videoId: "b" } }],
    })
  );
  const page = await createYouTube(() => server.url).listPlaylistPage("t", "UU1", "P2");
  assert.deepEqual(page, { videoIds: ["a", "b"], nextPageToken: "P3", total: 120 });
  const { query } = server.seen[0]!;
  assert.deepEqual([query.get("maxResults"), query.get("pageToken")], ["50", "P2"]);
});

Deno.test("listPlaylistPage() takes a missing playlist of a new channel for an empty one", async () => {
  await using server = serveFake(() => fault(404, "playlistNotFound"));
  const youtube = createYouTube(() => server.url);
  const empty = { videoIds: [], nextPageToken: null, total: 0 };
  assert.deepEqual(await youtube.listPlaylistPage("t", "UU1", null), empty);
  await assert.rejects(youtube.listPlaylistPage("t", "UU1", "P2"), ProviderError);
});

Deno.test("getVideos() asks once for all ids, and not at all for none", async () => {
  await using server = serveFake(() => Response.json({}));
  const youtube = createYouTube(() => server.url);
  const nothing = { items: [], failed: [] };
  assert.deepEqual(await youtube.getVideos("t", []), nothing);
  assert.deepEqual(await youtube.getVideos("t", ["a", "b"]), nothing);
  assert.deepEqual(server.seen.map(({ query }) => query.get("id")), ["a,b"]);
});

const classes: [number, string, string, ProviderErrorClass][] = [
  [403, "quotaExceeded", "", "quota_daily"],
  [403, "dailyLimitExceeded", "", "quota_daily"],
  [
    429,
    "rateLimitExceeded",
    "quota metric 'Video Uploads' and limit 'Uploads per day'",
    "quota_daily",
  ],
  [429, "rateLimitExceeded", "slow down", "retry_after"],
  [403, "userRateLimitExceeded", "", "retry_after"],
  [400, "uploadLimitExceeded", "", "retry_after"],
  [401, "authError", "", "reauth"],
  [401, "youtubeSignupRequired", "", "permission"],
  [403, "insufficientPermissions", "", "permission"],
  [400, "invalidPageToken", "", "invalid_input"],
  [404, "videoNotFound", "", "not_found"],
  [500, "backendError", "", "retry_transient"],
  [503, "somethingNew", "", "retry_transient"],
];
for (const [status, reason, message, kind] of classes) {
  Deno.test(`YouTube's ${status} ${reason} ${message} is ${kind}`, async () => {
    await using server = serveFake(() => fault(status, reason, message));
    const error = await faultOf(server.url);
    assert.deepEqual([error.class, error.reason, error.httpStatus], [kind, reason, status]);
  });
}

Deno.test("a rate limit with Retry-After says when", async () => {
  await using server = serveFake(() => fault(429, "rateLimitExceeded", "", { "retry-after": "3" }));
  const error = await faultOf(server.url);
  assert.deepEqual([error.class, error.retryAfterMs], ["retry_after", 3000]);
});

Deno.test("a used-up daily quota says how long until midnight in Los Angeles", () => {
  // 2026-01-15 20:30 PST, and 2026-07-15 20:30 PDT.
  assert.equal(untilPacificMidnight(new Date("2026-01-16T04:30:00Z")), 3.5 * 3600 * 1000);
  assert.equal(untilPacificMidnight(new Date("2026-07-16T03:30:00Z")), 3.5 * 3600 * 1000);
});

function fault(status: number, reason: string, message = "", headers: HeadersInit = {}) {
  const body = { error: { code: status, message, errors: [{ domain: "d", reason, message }] } };
  return Response.json(body, { status, headers });
}

async function faultOf(url: string): Promise<ProviderError> {
  const call = createYouTube(() => url).getVideos("t", ["a"]);
  const error = await call.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError);
  return error;
}
