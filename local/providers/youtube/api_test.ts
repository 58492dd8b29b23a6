import { strict as assert } from "node:assert";
import { channellessEmail, emptyEmail } from "../addresses.ts";
import { TestSimulator } from "../testing.ts";
import { type ListAnswer, listAnswer, reasonOf } from "./testing.ts";

async function uploadsOf(google: TestSimulator, token: string): Promise<string> {
  const response = await google.youtube("channels?part=contentDetails&mine=true", token);
  const uploads = (await listAnswer(response)).items?.[0]?.contentDetails?.relatedPlaylists
    ?.uploads;
  assert.ok(uploads);
  return uploads;
}

async function walk(google: TestSimulator, token: string, playlist: string): Promise<ListAnswer[]> {
  const pages: ListAnswer[] = [];
  let cursor: string | undefined;
  do {
    const page: ListAnswer = await listAnswer(
      await google.youtube(
        `playlistItems?part=contentDetails,status&maxResults=50&playlistId=${playlist}` +
          (cursor ? `&pageToken=${cursor}` : ""),
        token,
      ),
    );
    pages.push(page);
    cursor = page.nextPageToken;
  } while (cursor && pages.length < 30);
  return pages;
}

const idsOf = (pages: ListAnswer[]) =>
  pages.flatMap((page) => page.items ?? []).map((item) => item.contentDetails?.videoId ?? "");

Deno.test("A sync reads 250 videos in 1 + 5 + 5 calls, each once", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const pages = await walk(google, access_token, await uploadsOf(google, access_token));
  const ids = idsOf(pages);
  assert.equal(pages.length, 5);
  assert.equal(new Set(ids).size, 250);
  assert.equal(pages[0]?.pageInfo.totalResults, 250);
  assert.equal(pages[0]?.prevPageToken, undefined);
  assert.ok(pages[1]?.prevPageToken);
  const found = new Set<string>();
  for (let start = 0; start < 250; start += 50) {
    const chunk = ids.slice(start, start + 50);
    const response = await google.youtube(
      `videos?part=snippet,contentDetails,statistics,status&id=${chunk.join(",")}`,
      access_token,
    );
    const { items = [] } = await listAnswer(response);
    assert.notDeepEqual(items.map((item) => item.id), chunk, "the order is not that of the ids");
    for (const item of items) found.add(item.id);
  }
  assert.deepEqual([...found].sort(), [...ids].sort());
  const quota = await google.admin<{ buckets: { default: { used: number } } }>("GET", "quota");
  assert.equal(quota.buckets.default.used, 11);
});

Deno.test("Counts are strings, and what is hidden is absent", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const channel = await listAnswer(
    await google.youtube("channels?part=statistics,snippet&mine=true", access_token),
  );
  assert.equal(typeof channel.items?.[0]?.statistics?.subscriberCount, "string");
  assert.equal(channel.items?.[0]?.statistics?.hiddenSubscriberCount, false);
  const ids = idsOf(await walk(google, access_token, await uploadsOf(google, access_token)));
  const { items = [] } = await listAnswer(
    await google.youtube(`videos?part=statistics&id=${ids.slice(0, 50)}`, access_token),
  );
  assert.ok(items.every((item) => typeof item.statistics?.viewCount === "string"));
  assert.ok(items.some((item) => item.statistics && !("likeCount" in item.statistics)));
  assert.ok(items.every((item) => item.snippet === undefined), "only the parts asked for");
});

Deno.test("Ids that lead nowhere are left out without a word", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const [first = "", second = ""] = idsOf(
    await walk(google, access_token, await uploadsOf(google, access_token)),
  );
  await google.world.accounts.account("creator@example.com");
  const channel = google.world.accounts.accounts()[0]?.channel_id;
  await google.admin("PATCH", `channels/${channel}/videos`, { [second]: { deleted: true } });
  const { items = [], pageInfo } = await listAnswer(
    await google.youtube(`videos?part=id&id=${first},${second},nonsense,AAAAAAAAAAA`, access_token),
  );
  assert.deepEqual(items.map((item) => item.id), [first]);
  assert.equal(pageInfo.totalResults, 1);
});

Deno.test("Only the owner sees private videos and what is not listed", async () => {
  await using google = new TestSimulator();
  const owner = await google.connect("owner+120@example.com");
  const stranger = await google.connect("stranger@example.com");
  const playlist = await uploadsOf(google, owner.access_token);
  const all = (await walk(google, owner.access_token, playlist)).flatMap((page) =>
    page.items ?? []
  );
  const shown = (await walk(google, stranger.access_token, playlist))
    .flatMap((page) => page.items ?? []);
  assert.equal(all.length, 120);
  const hidden = all.filter((item) => item.status?.privacyStatus !== "public");
  assert.ok(hidden.length > 0);
  assert.equal(shown.length, all.length - hidden.length);
  const secret = all.find((item) => item.status?.privacyStatus === "private");
  const path = `videos?part=status&id=${secret?.contentDetails?.videoId}`;
  const asOwner = await listAnswer(await google.youtube(path, owner.access_token));
  assert.equal(asOwner.items?.length, 1);
  const asStranger = await listAnswer(await google.youtube(path, stranger.access_token));
  assert.deepEqual(asStranger.items, []);
});

Deno.test("maxResults is 5 unless said otherwise and 50 at most", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const path = `playlistItems?part=id&playlistId=${await uploadsOf(google, access_token)}`;
  const page = await listAnswer(await google.youtube(path, access_token));
  assert.equal(page.items?.length, 5);
  assert.equal(page.pageInfo.resultsPerPage, 5);
  for (const size of ["51", "-1", "many"]) {
    const refused = await google.youtube(`${path}&maxResults=${size}`, access_token);
    assert.equal(refused.status, 400);
    assert.equal(await reasonOf(refused), "invalidParameter");
  }
});

Deno.test("A bad request is told what is wrong with it, and charged for", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const ids = Array.from({ length: 51 }, (_, index) => `v${index}`).join(",");
  const other = await google.connect("other+60@example.com");
  const foreign = await listAnswer(
    await google.youtube(
      `playlistItems?part=id&playlistId=${await uploadsOf(google, other.access_token)}`,
      other.access_token,
    ),
  );
  const own = await uploadsOf(google, access_token);
  const cases: [string, number, string][] = [
    ["channels?mine=true", 400, "missingRequiredParameter"],
    ["channels?part=snippet", 400, "missingRequiredParameter"],
    ["channels?part=nonsense&mine=true", 400, "unknownPart"],
    ["videos?part=id", 400, "missingRequiredParameter"],
    [`videos?part=id&id=${ids}`, 400, "invalidFilters"],
    ["playlistItems?part=id", 400, "missingRequiredParameter"],
    ["playlistItems?part=id&playlistId=UUnobody", 404, "playlistNotFound"],
    [`playlistItems?part=id&playlistId=${own}&pageToken=CAoQAA`, 400, "invalidPageToken"],
    [
      `playlistItems?part=id&playlistId=${own}&pageToken=${foreign.nextPageToken}`,
      400,
      "invalidPageToken",
    ],
  ];
  const used = () => google.world.quota.used("streamvibe-local", "default");
  const before = used();
  for (const [path, status, reason] of cases) {
    const refused = await google.youtube(path, access_token);
    assert.equal(refused.status, status, path);
    assert.equal(await reasonOf(refused), reason, path);
  }
  assert.equal(used() - before, cases.length);
});

Deno.test("An account without a channel answers 200 without items", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect(channellessEmail);
  const response = await google.youtube("channels?part=id&mine=true", access_token);
  const body = await listAnswer(response);
  assert.equal(response.status, 200);
  assert.ok(!("items" in body));
  assert.equal(body.pageInfo.totalResults, 0);
});

Deno.test("A channel without videos has an uploads playlist that cannot be found", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect(emptyEmail);
  const playlist = await uploadsOf(google, access_token);
  const response = await google.youtube(
    `playlistItems?part=id&playlistId=${playlist}`,
    access_token,
  );
  assert.equal(response.status, 404);
  assert.equal(await reasonOf(response), "playlistNotFound");
});

Deno.test("Without a good bearer token the answer is 401", async () => {
  await using google = new TestSimulator();
  const { access_token, refresh_token = "" } = await google.connect();
  const cases: [string | null, string][] = [
    [null, "required"],
    ["ya29.nonsense", "authError"],
    [`${access_token}x`, "authError"],
    [refresh_token, "authError"],
  ];
  for (const [token, reason] of cases) {
    const response = await google.youtube("channels?part=id&mine=true", token);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
    assert.equal(await reasonOf(response), reason);
  }
  assert.equal(google.world.quota.used("streamvibe-local", "default"), 0, "nobody to charge");
});

Deno.test("An unchanged answer is 304 for its etag, a changed one is not", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const path = "channels?part=snippet,statistics&mine=true";
  const first = await google.youtube(path, access_token);
  const etag = first.headers.get("etag") ?? "";
  assert.equal(`"${(await listAnswer(first)).etag}"`, etag);
  const same = await google.youtube(path, access_token, { "if-none-match": etag });
  assert.equal(same.status, 304);
  assert.equal(await same.text(), "");
  const other = await google.youtube("channels?part=snippet&mine=true", access_token, {
    "if-none-match": etag,
  });
  assert.equal(other.status, 200);
  await other.body?.cancel();
  const channel = google.world.accounts.accounts()[0]?.channel_id;
  await google.admin("PUT", `channels/${channel}`, { subscribers: 1_000_000 });
  const changed = await google.youtube(path, access_token, { "if-none-match": etag });
  assert.equal(changed.status, 200);
  await changed.body?.cancel();
});

Deno.test("The quota is counted per project and ends at midnight in California", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const call = () => google.youtube("channels?part=id&mine=true", access_token);
  await google.admin("PUT", "settings", { access_token_seconds: 10_000_000 });
  const lasting = (await google.connect()).access_token;
  await google.admin("PUT", "quota", { buckets: { default: { limit: 3, used: 2 } } });
  const last = await call();
  assert.equal(last.status, 200);
  await last.body?.cancel();
  const refused = await call();
  assert.equal(refused.status, 403);
  assert.equal(await reasonOf(refused), "quotaExceeded");
  await google.admin("PUT", "settings", { clock_offset_seconds: 24 * 3_600 });
  const tomorrow = await google.youtube("channels?part=id&mine=true", lasting);
  assert.equal(tomorrow.status, 200);
  await tomorrow.body?.cancel();
});

Deno.test("A channel takes any size, and a playlist stops at its limit", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect("big+1000@example.com");
  const playlist = await uploadsOf(google, access_token);
  assert.equal(idsOf(await walk(google, access_token, playlist)).length, 1_000);
  await google.admin("PUT", "settings", { playlist_view_limit: 120 });
  assert.equal(idsOf(await walk(google, access_token, playlist)).length, 120);
  const channel = `UC${playlist.slice(2)}`;
  await google.admin("PUT", "settings", { playlist_view_limit: 20_000 });
  await google.admin("PUT", `channels/${channel}`, { videos: 70 });
  const before = idsOf(await walk(google, access_token, playlist));
  await google.admin("POST", `channels/${channel}/uploads`, { count: 3 });
  const after = idsOf(await walk(google, access_token, playlist));
  assert.equal(after.length, 73);
  assert.deepEqual(after.slice(3), before, "new uploads come first");
});
