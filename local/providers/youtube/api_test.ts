import { strict as assert } from "node:assert";
import { channellessEmail, emptyEmail } from "../addresses.ts";
import { TestSimulator } from "../testing.ts";
import { idsOf, listAnswer, reasonOf, uploadsOf, walk } from "./testing.ts";

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
