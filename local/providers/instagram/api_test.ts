import { strict as assert } from "node:assert";
import { codesOf, type GraphAnswer, MetaSimulator } from "../meta/testing.ts";

const everything = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink," +
  "shortcode,timestamp,username,like_count,comments_count,is_shared_to_feed,alt_text," +
  "children{id,media_type,media_url,thumbnail_url,permalink}";

const list = (meta: MetaSimulator, access_token: string, more: Record<string, string> = {}) =>
  meta.get("/instagram/v26.0/me/media", { fields: everything, access_token, ...more });

async function listAll(meta: MetaSimulator, token: string, limit = "50") {
  const pages: GraphAnswer[] = [];
  let after: string | undefined;
  do {
    const { status, body } = await list(meta, token, { limit, ...(after && { after }) });
    assert.equal(status, 200, body.error?.message);
    pages.push(body);
    after = body.paging?.next && body.paging.cursors.after;
  } while (after);
  return { pages, items: pages.flatMap((page) => page.data ?? []) };
}

Deno.test("The account has two ids, both of more digits than a number holds", async () => {
  await using meta = new MetaSimulator();
  const { body } = await meta.get("/instagram/v26.0/me", {
    fields: "user_id,username,name,account_type,profile_picture_url,followers_count,media_count",
    access_token: await meta.instagramToken(),
  });
  assert.notEqual(body.id, body.user_id);
  for (const id of [body.id, String(body.user_id)]) {
    assert.notEqual(String(Number(id) + 1), String(BigInt(id) + 1n));
  }
  assert.match(String(body.account_type), /^(Business|Media_Creator)$/);
  assert.equal(body.media_count, 120);
  assert.equal(body.follows_count, undefined, "only what was asked for");
});

Deno.test("A listing ends where next is absent, and its last page still has cursors", async () => {
  await using meta = new MetaSimulator();
  const { pages, items } = await listAll(meta, await meta.instagramToken("some+120@example.com"));
  assert.deepEqual(pages.map(({ data }) => data?.length), [50, 50, 20]);
  assert.equal(new Set(items.map(({ id }) => id)).size, 120);
  assert.ok(pages[2]?.paging?.cursors.after);
  assert.equal(pages[2]?.paging?.next, undefined);
  const next = new URL(pages[0]?.paging?.next ?? "");
  assert.equal(next.origin, meta.url);
  const followed = await meta.get(next.href.slice(meta.url.length));
  assert.deepEqual(followed.body.data?.map(({ id }) => id), pages[1]?.data?.map(({ id }) => id));
  const times = items.map(({ timestamp }) => String(timestamp));
  assert.ok(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/.test(time)));
  assert.deepEqual(times, times.toSorted().toReversed());
});

Deno.test("Every kind of media is there, with what each of them lacks", async () => {
  await using meta = new MetaSimulator();
  const { items } = await listAll(meta, await meta.instagramToken("some+120@example.com"));
  const kinds = new Set(items.map((item) => `${item.media_type} ${item.media_product_type}`));
  assert.deepEqual(
    [...kinds].sort(),
    ["CAROUSEL_ALBUM FEED", "IMAGE FEED", "VIDEO FEED", "VIDEO REELS"],
  );
  for (const item of items) {
    assert.equal("thumbnail_url" in item, item.media_type === "VIDEO");
    assert.equal("children" in item, item.media_type === "CAROUSEL_ALBUM");
    assert.match(String(item.permalink), item.media_product_type === "REELS" ? /reel/ : /\/p\//);
  }
  for (const field of ["caption", "media_url", "like_count", "alt_text", "is_shared_to_feed"]) {
    const having = items.filter((item) => field in item).length;
    assert.ok(having > 0 && having < 120, field);
  }
  const carousel = items.find(({ media_type }) => media_type === "CAROUSEL_ALBUM");
  const children = carousel?.children as { data: Record<string, unknown>[] };
  assert.ok(children.data.length >= 2 && children.data.length <= 10);
  assert.ok(children.data.every((child) => "media_url" in child && !("permalink" in child)));
});

Deno.test("Addresses on the CDN are signed and change", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  const first = async () => (await list(meta, token, { limit: "1" })).body.data?.[0];
  const before = await first();
  await meta.later(5 * 24 * 3_600);
  const after = await first();
  assert.equal(before?.id, after?.id);
  const address = (item: typeof before) => String(item?.media_url ?? item?.thumbnail_url);
  assert.ok(new URL(address(before)).searchParams.has("oe"));
  assert.notEqual(address(before), address(after));
});

Deno.test("One media is read by its id, and its owner alone can", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  const id = (await list(meta, token, { limit: "1" })).body.data?.[0]?.id ?? "";
  const own = await meta.get(`/instagram/v26.0/${id}`, {
    fields: "permalink",
    access_token: token,
  });
  assert.equal(own.body.id, id);
  const other = await meta.instagramToken("other@example.com");
  const foreign = await meta.get(`/instagram/v26.0/${id}`, { access_token: other });
  assert.deepEqual([foreign.status, ...codesOf(foreign.body)], [400, 100, 33]);
});

Deno.test("A bad request is told what is wrong with it", async () => {
  await using meta = new MetaSimulator();
  const access_token = await meta.instagramToken();
  const path = "/instagram/v26.0/me";
  const cases: [Record<string, string>, number][] = [
    [{ fields: "likes", access_token }, 100],
    [{ fields: "id,{", access_token }, 100],
    [{ fields: "id" }, 2500],
    [{ access_token: "IGAA-nonsense" }, 190],
    [{ access_token: await meta.facebookUser() }, 190],
  ];
  for (const [parameters, code] of cases) {
    const { status, body } = await meta.get(path, parameters);
    assert.deepEqual([status, body.error?.code], [400, code]);
    assert.ok(body.error?.fbtrace_id);
  }
  const bearer = await meta.get(path, {}, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal(bearer.status, 200, "the token may stand in the header");
});

Deno.test("A personal account has no media to read", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("nochannel@example.com");
  const { body } = await meta.get("/instagram/me", { fields: "account_type", access_token: token });
  assert.equal(body.account_type, "Personal");
  assert.deepEqual(codesOf((await list(meta, token)).body), [10, undefined]);
});

Deno.test("Usage is reported for the account, and ends in a refusal that says how long", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  const usage = (headers: Headers) => {
    const reports: Record<string, [Record<string, unknown>]> = JSON.parse(
      headers.get("x-business-use-case-usage") ?? "{}",
    );
    return Object.values(reports)[0]?.[0] ?? {};
  };
  const { headers, body } = await list(meta, token, { fields: "id" });
  assert.equal(usage(headers).call_count, 1);
  assert.equal(usage(headers).estimated_time_to_regain_access, 0);
  assert.equal(body.error, undefined);
  await meta.fault({ kind: "rate_limited", retry_after: 600 });
  const struck = await list(meta, token);
  assert.deepEqual([struck.status, ...codesOf(struck.body)], [400, 80002, undefined]);
  assert.equal(usage(struck.headers).estimated_time_to_regain_access, 10);
  await meta.fault({ kind: "rate_limited" });
  assert.equal(usage((await list(meta, token)).headers).estimated_time_to_regain_access, 0);
});

Deno.test("A refusal on request has the status and the codes of the real one", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  const cases: [Record<string, unknown>, number, number, number?][] = [
    [{ kind: "expired_token" }, 400, 190, 463],
    [{ kind: "revoked_token" }, 400, 190, 458],
    [{ kind: "missing_scope" }, 403, 10],
    [{ kind: "user_rate_limited" }, 400, 17],
    [{ kind: "quota_exceeded" }, 400, 4],
    [{ kind: "server_error" }, 500, 1],
    [{ kind: "server_error", status: 503 }, 503, 2],
    [{ kind: "graph_error", code: 368, subcode: 1 }, 400, 368, 1],
  ];
  for (const [fault, status, code, subcode] of cases) {
    await meta.fault(fault);
    const struck = await list(meta, token);
    assert.deepEqual([struck.status, ...codesOf(struck.body)], [status, code, subcode]);
    assert.equal((await list(meta, token)).status, 200, "once unless told otherwise");
  }
});

Deno.test("Lists have the faults of lists", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("some+120@example.com");
  const whole = (await listAll(meta, token)).items.map(({ id }) => id);
  await meta.fault({ kind: "duplicate_item" });
  const doubled = (await listAll(meta, token)).items.map(({ id }) => id);
  assert.equal(doubled[50], doubled[49]);
  assert.deepEqual([...new Set(doubled)], whole);
  await meta.fault({ kind: "deleted_item", items: 3 });
  assert.deepEqual((await listAll(meta, token)).items.map(({ id }) => id), whole.slice(3));
  await meta.fault({ kind: "empty_page", skip: 1 });
  const withHole = await listAll(meta, token);
  assert.deepEqual(withHole.pages.map(({ data }) => data?.length), [50, 0, 50, 20]);
  await meta.fault({ kind: "cursor_expired" });
  const first = await list(meta, token);
  assert.equal(first.status, 200, "the first page has no cursor");
  const after = first.body.paging?.cursors.after ?? "";
  assert.equal((await list(meta, token, { after })).body.error?.code, 100);
  await meta.fault({ kind: "missing_fields" });
  const bare = (await list(meta, token)).body.data ?? [];
  assert.ok(bare.length > 0 && bare.every((item) => !("caption" in item || "media_url" in item)));
  const other = await meta.instagramToken("other@example.com");
  assert.equal(
    (await list(meta, other, { after })).body.error?.code,
    100,
    "somebody else's cursor",
  );
});

Deno.test("What is published, edited and deleted shows", async () => {
  await using meta = new MetaSimulator();
  const email = "some+12@example.com";
  const token = await meta.instagramToken(email);
  const before = (await listAll(meta, token)).items;
  await meta.admin("POST", `instagram/${email}/media`, { count: 2 });
  await meta.admin("PATCH", `instagram/${email}/media`, {
    0: { deleted: true },
    1: { caption: "new", likes: 7 },
  });
  const after = (await listAll(meta, token)).items;
  assert.deepEqual(after.slice(2).map(({ id }) => id), before.slice(0, -1).map(({ id }) => id));
  assert.deepEqual([after.at(-1)?.caption, after.at(-1)?.like_count], ["new", 7]);
});
