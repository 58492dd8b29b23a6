import { strict as assert } from "node:assert";
import { idsOf, TestTikTok } from "./testing.ts";

const list = "video/list/?fields=id,create_time";

Deno.test("Success carries an error, too, and its code is ok", async () => {
  await using tiktok = new TestTikTok();
  const { access_token, open_id } = await tiktok.signIn();
  const { status, data, error } = await tiktok.api(
    "user/info/?fields=open_id,union_id,display_name,username,follower_count",
    access_token,
  );
  assert.deepEqual([status, error.code, error.message], [200, "ok", ""]);
  assert.ok(error.log_id);
  assert.equal(data.user?.open_id, open_id);
  assert.equal(typeof data.user?.follower_count, "number");
  assert.deepEqual(Object.keys(data.user ?? {}).length, 5, "only the fields asked for");
});

Deno.test("Fields are asked for in the query: none and unknown ones are refused", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn();
  for (const path of ["user/info/", "user/info/?fields=open_id,email"]) {
    const { status, error } = await tiktok.api(path, access_token);
    assert.deepEqual([status, error.code], [400, "invalid_params"]);
  }
  const inBody = await tiktok.api("video/list/", access_token, { fields: ["id"], max_count: 5 });
  assert.equal(inBody.error.code, "invalid_params");
});

Deno.test("A field whose scope was not granted is refused with 401, which is no dead token", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn(null, { scope: "user.info.basic" });
  const stats = await tiktok.api("user/info/?fields=open_id,follower_count", access_token);
  assert.deepEqual([stats.status, stats.error.code], [401, "scope_not_authorized"]);
  assert.equal((await tiktok.api(list, access_token, {})).error.code, "scope_not_authorized");
  assert.equal((await tiktok.api("user/info/?fields=open_id", access_token)).status, 200);
});

Deno.test("All posts come once, newest first, over short and empty pages, as long as there is more", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("someone+300@example.com");
  const pages = await tiktok.walk(access_token);
  const ids = idsOf(pages);
  assert.equal(ids.length, 300);
  assert.equal(new Set(ids).size, 300);
  const times = pages.flatMap(({ data }) => data.videos ?? []).map((one) =>
    Number(one.create_time)
  );
  assert.deepEqual(times, times.toSorted((a, b) => b - a));
  const sizes = pages.map(({ data }) => data.videos?.length ?? 0);
  assert.ok(Math.max(...sizes) === 20 && sizes.slice(0, -1).some((size) => size < 20));
  assert.ok(sizes.includes(0), "one page is empty and leads on");
  await tiktok.admin("PUT", "tiktok/settings", { short_pages: false });
  assert.equal((await tiktok.walk(access_token)).length, 15);
});

Deno.test("Ids are strings above 2^53, times are seconds, the cursor is milliseconds", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("someone+30@example.com");
  const { data } = await tiktok.api(list, access_token, { max_count: 5 });
  const [first] = data.videos ?? [];
  assert.ok(typeof first?.id === "string" && BigInt(first.id) > 2n ** 53n);
  assert.ok(Number(first.create_time) < 1e10);
  assert.equal(data.cursor, Number(data.videos?.at(-1)?.create_time) * 1_000);
  const before = await tiktok.api(list, access_token, {
    cursor: Number(first.create_time) * 1_000,
  });
  assert.equal(before.data.videos?.[0]?.id, data.videos?.[1]?.id);
});

Deno.test("A page holds 10 posts unless said, 20 at most; paging stands in the body", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn();
  assert.equal((await tiktok.api(list, access_token, {})).data.videos?.length, 10);
  assert.equal((await tiktok.api(`${list}&max_count=3`, access_token, {})).data.videos?.length, 10);
  for (const body of [{ max_count: 21 }, { max_count: 0 }, { cursor: "soon" }]) {
    const { status, error } = await tiktok.api(list, access_token, body);
    assert.deepEqual([status, error.code], [400, "invalid_params"]);
  }
});

Deno.test("A creator without posts has one empty page", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("empty@example.com");
  const { data } = await tiktok.api(list, access_token, {});
  assert.deepEqual(data, { videos: [], cursor: 0, has_more: false });
});

Deno.test("Only public posts are shown, by list and by id, and only one's own", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("one+10@example.com");
  const stranger = await tiktok.signIn("two+10@example.com");
  const [newest = "", second = "", third = ""] = idsOf(await tiktok.walk(access_token));
  await tiktok.admin("PATCH", "tiktok/creators/one+10@example.com/posts", {
    [newest]: { public: false },
    [second]: { deleted: true },
    0: { title: "The first one" },
  });
  const left = idsOf(await tiktok.walk(access_token));
  assert.equal(left.length, 8);
  assert.equal(left[0], third);
  const query = (token: string, video_ids: string[]) =>
    tiktok.api("video/query/?fields=id,title", token, { filters: { video_ids } });
  const oldest = left.at(-1) ?? "";
  const asked = await query(access_token, [newest, second, third, oldest, "7300000000000000000"]);
  assert.deepEqual(asked.data.videos?.map(({ id }) => id), [third, oldest]);
  assert.equal(asked.data.videos?.[1]?.title, "The first one");
  assert.deepEqual((await query(stranger.access_token, [third])).data.videos, []);
  const many = Array.from({ length: 21 }, (_, index) => `${index}`);
  assert.equal((await query(access_token, many)).error.code, "invalid_params");
});

Deno.test("New posts come first and move no cursor", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn("one+40@example.com");
  const { data } = await tiktok.api(list, access_token, { max_count: 10 });
  await tiktok.admin("POST", "tiktok/creators/one+40@example.com/posts", { count: 2 });
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 86_400 * 30 });
  await tiktok.admin("PUT", "tiktok/settings", { access_token_seconds: 86_400 * 60 });
  const again = await tiktok.signIn("one+40@example.com");
  const next = await tiktok.api(list, again.access_token, { cursor: data.cursor });
  const ids = idsOf(await tiktok.walk(again.access_token));
  assert.equal(ids.length, 42);
  assert.equal(ids[2], data.videos?.[0]?.id);
  assert.ok(next.data.videos?.every(({ id }) => !data.videos?.some((seen) => seen.id === id)));
});

Deno.test("Covers are signed and run out", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn();
  const cover = async () => {
    const path = "video/list/?fields=cover_image_url";
    const { data } = await tiktok.api(path, access_token, { max_count: 1 });
    return new URL(String(data.videos?.[0]?.cover_image_url));
  };
  const first = await cover();
  const hours = (Number(first.searchParams.get("x-expires")) - Date.now() / 1_000) / 3_600;
  assert.ok(hours > 5.9 && hours <= 6);
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 3_600 });
  const second = await cover();
  assert.equal(second.pathname, first.pathname);
  assert.notEqual(second.search, first.search);
});

Deno.test("600 calls a minute of one endpoint, and not one more", async () => {
  await using tiktok = new TestTikTok();
  await tiktok.admin("PUT", "tiktok/settings", { calls_per_minute: 3 });
  const { access_token } = await tiktok.signIn();
  const user = () => tiktok.api("user/info/?fields=open_id", access_token);
  for (let call = 0; call < 3; call++) assert.equal((await user()).status, 200);
  const refused = await user();
  assert.deepEqual([refused.status, refused.error.code], [429, "rate_limit_exceeded"]);
  assert.equal((await tiktok.api(list, access_token, {})).status, 200, "each endpoint for itself");
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 61 });
  assert.equal((await user()).status, 200);
});

Deno.test("Without a good token nothing is told", async () => {
  await using tiktok = new TestTikTok();
  const { refresh_token } = await tiktok.signIn();
  for (const token of [null, "nonsense", refresh_token]) {
    const { status, error, data } = await tiktok.api("user/info/?fields=open_id", token);
    assert.deepEqual([status, error.code, data], [401, "access_token_invalid", {}]);
  }
});

Deno.test("Faults strike as they do elsewhere", async () => {
  await using tiktok = new TestTikTok();
  await tiktok.admin("PUT", "tiktok/settings", { short_pages: false });
  const { access_token } = await tiktok.signIn("one@example.com");
  const struck = async (fault: Record<string, unknown>, body: unknown = { max_count: 20 }) => {
    await tiktok.fault({ path: "/tiktok/v2/video/list/", account: "one@example.com", ...fault });
    return await tiktok.api("video/list/?fields=id,title,view_count", access_token, body);
  };
  const refusals: [Record<string, unknown>, number, string][] = [
    [{ kind: "expired_token" }, 401, "access_token_invalid"],
    [{ kind: "revoked_token" }, 401, "access_token_invalid"],
    [{ kind: "missing_scope" }, 401, "scope_not_authorized"],
    [{ kind: "rate_limited", retry_after: 7 }, 429, "rate_limit_exceeded"],
    [{ kind: "server_error", status: 503 }, 503, "internal_error"],
    [{ kind: "cursor_expired" }, 400, "invalid_params"],
  ];
  for (const [fault, status, code] of refusals) {
    const answer = await struck(fault);
    assert.deepEqual([answer.status, answer.error.code], [status, code]);
    if ("retry_after" in fault) assert.equal(answer.headers.get("retry-after"), "7");
  }
  const whole = await tiktok.api(list, access_token, { max_count: 20 });
  const empty = await struck({ kind: "empty_page" });
  assert.deepEqual([empty.data.videos, empty.data.has_more], [[], true]);
  const next = await tiktok.api(list, access_token, { cursor: empty.data.cursor });
  assert.equal(next.data.videos?.[0]?.id, whole.data.videos?.[0]?.id, "nothing is lost");
  const cursor = whole.data.cursor;
  const stuck = await struck({ kind: "stuck_cursor" }, { cursor });
  assert.deepEqual([stuck.data.cursor, stuck.data.has_more], [cursor, true]);
  const twice = await struck({ kind: "duplicate_item" }, { cursor, max_count: 20 });
  assert.equal(twice.data.videos?.[0]?.id, whole.data.videos?.at(-1)?.id);
  const gone = await struck({ kind: "deleted_item", items: 2 });
  assert.equal(gone.data.videos?.[0]?.id, whole.data.videos?.[2]?.id);
  assert.deepEqual(Object.keys((await struck({ kind: "missing_fields" })).data.videos?.[0] ?? {}), [
    "id",
  ]);
  await assert.rejects(struck({ kind: "truncated_json" }), SyntaxError);
  await assert.rejects(struck({ kind: "html" }), SyntaxError);
  await assert.rejects(struck({ kind: "connection_reset" }), TypeError);
});
