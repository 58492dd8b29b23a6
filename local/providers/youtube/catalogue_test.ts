import { strict as assert } from "node:assert";
import { defaultEmail } from "../addresses.ts";
import { AccountBook, type Channel } from "../google/accounts.ts";
import { isoDuration, type Video, videoAt } from "./catalogue.ts";

function channelOf(email: string): Channel {
  const book = new AccountBook();
  const channel = book.channel(book.account(email).channel_id ?? "");
  assert.ok(channel);
  return channel;
}

function videosOf(channel: Channel): Video[] {
  return Array.from({ length: channel.videos }, (_, index) => videoAt(channel, index))
    .filter((video) => video !== null);
}

Deno.test("isoDuration() writes every form that YouTube does", () => {
  const forms: [number, string][] = [
    [0, "P0D"],
    [45, "PT45S"],
    [60, "PT1M"],
    [843, "PT14M3S"],
    [3_600, "PT1H"],
    [3_605, "PT1H5S"],
    [3_723, "PT1H2M3S"],
    [86_400, "P1D"],
    [93_600, "P1DT2H"],
  ];
  for (const [seconds, form] of forms) assert.equal(isoDuration(seconds), form);
});

Deno.test("The default channel has 250 videos of every kind, each its own", () => {
  const videos = videosOf(channelOf(defaultEmail));
  assert.equal(videos.length, 250);
  assert.equal(new Set(videos.map((video) => video.id)).size, 250);
  assert.equal(new Set(videos.map((video) => video.title)).size > 200, true);
  assert.deepEqual(
    new Set(videos.map((video) => video.kind)),
    new Set(["long", "short", "marathon", "live", "upcoming"]),
  );
  assert.deepEqual(
    new Set(videos.map((video) => video.privacy)),
    new Set(["public", "unlisted", "private"]),
  );
  const durations = new Set(videos.map((video) => isoDuration(video.seconds)));
  assert.ok(durations.has("P0D") && durations.has("P1DT2H"));
  assert.ok(videos.some((video) => video.likes === undefined && video.views !== undefined));
  assert.ok(videos.some((video) => video.comments === undefined));
  assert.ok(videos.some((video) => video.tags === undefined));
  assert.ok(videos.some((video) => video.publishAt !== undefined));
  assert.ok(videos.every((video) => video.title.length <= 100));
});

Deno.test("Videos are in order of publication, all in the past, also in a huge channel", () => {
  for (const email of [defaultEmail, "huge+100000@example.com", "tiny+1@example.com"]) {
    const channel = channelOf(email);
    const last = channel.videos - 1;
    const places = [0, 1, 2, 3, Math.floor(last / 2), last - 1, last]
      .filter((place) => place >= 0 && place <= last);
    const times = places.map((place) => videoAt(channel, place)?.publishedAt ?? 0);
    assert.deepEqual(times, [...times].sort((a, b) => a - b), email);
    assert.ok(times.every((time) => time > Date.UTC(2016, 0) && time < Date.UTC(2026, 10, 22)));
  }
});

Deno.test("A channel is the same every time, and uploads do not change older videos", () => {
  const channel = channelOf(defaultEmail);
  const before = videosOf(channel);
  assert.deepEqual(videosOf(channelOf(defaultEmail)), before);
  const grown = { ...channel, videos: 253 };
  assert.deepEqual(videosOf(grown).slice(0, 250), before);
  assert.equal(videosOf(grown).length, 253);
  assert.ok((videoAt(grown, 252)?.publishedAt ?? 0) > (videoAt(grown, 249)?.publishedAt ?? 0));
});

Deno.test("Edits show, deletions hide, growth raises the views", () => {
  const channel = channelOf(defaultEmail);
  const video = videoAt(channel, 10);
  assert.ok(video?.views !== undefined);
  const changes = { [video.id]: { title: "Renamed", privacy: "private" as const } };
  const edited = videoAt({ ...channel, changes }, 10);
  assert.equal(edited?.title, "Renamed");
  assert.equal(edited?.privacy, "private");
  assert.equal(videoAt({ ...channel, changes: { [video.id]: { deleted: true } } }, 10), null);
  const watched = videosOf({ ...channel, growth: 1 });
  assert.ok(
    watched.filter((one, index) => one.views !== videosOf(channel)[index]?.views).length > 200,
  );
});
