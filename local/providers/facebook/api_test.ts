import { strict as assert } from "node:assert";
import { codesOf, MetaSimulator } from "../meta/testing.ts";

const pageFields = "id,name,access_token,tasks,category";

async function pagesOf(meta: MetaSimulator, email?: string, change = {}) {
  const token = await meta.facebookUser(email, change);
  return (await meta.graph("me/accounts", token, { fields: pageFields })).body.data ?? [];
}

Deno.test("Pages come with a token and the person's tasks, a business's only when asked for", async () => {
  await using meta = new MetaSimulator();
  const [fans, own, ...more] = await pagesOf(meta);
  assert.deepEqual(more, []);
  assert.ok(!(fans?.tasks as string[]).includes("CREATE_CONTENT"));
  assert.ok((own?.tasks as string[]).includes("CREATE_CONTENT"));
  const scope = "pages_show_list,pages_read_engagement,business_management";
  assert.equal((await pagesOf(meta, undefined, { scope })).length, 3);
  assert.deepEqual(await pagesOf(meta, "nochannel@example.com"), []);
  assert.equal((await pagesOf(meta, "analyst@example.com")).length, 1);
});

Deno.test("Every call needs the proof that belongs to its token", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.facebookUser();
  for (const appsecret_proof of [null, "0".repeat(64)]) {
    const { status, body } = await meta.graph("me", token, { appsecret_proof });
    assert.deepEqual([status, body.error?.code], [400, 100]);
    assert.match(body.error?.message ?? "", /appsecret_proof/);
  }
  assert.equal((await meta.graph("me", token)).status, 200);
});

Deno.test("A page's token outlives the user's and speaks for its page", async () => {
  await using meta = new MetaSimulator();
  const [, own] = await pagesOf(meta);
  await meta.later(80 * 24 * 3_600);
  const fields = "id,name,username,followers_count,picture";
  const { body } = await meta.graph("me", String(own?.access_token), { fields });
  assert.equal(body.id, own?.id);
  assert.equal(body.name, own?.name);
});

Deno.test("Posts and videos of a page are listed with their counts", async () => {
  await using meta = new MetaSimulator();
  const [fans, own] = await pagesOf(meta, "some+30@example.com");
  const token = String(own?.access_token);
  const posts = await meta.graph("me/posts", token, {
    fields: "id,message,created_time,permalink_url,full_picture,shares," +
      "attachments{media_type,url},likes.summary(true).limit(0),comments.summary(true)",
    limit: "20",
  });
  assert.equal(posts.body.data?.length, 20);
  const first = posts.body.data?.[0];
  assert.match(String(first?.id), new RegExp(`^${own?.id}_\\d{17}$`));
  assert.match(String(first?.created_time), /\+0000$/);
  assert.equal(
    typeof (first?.likes as { summary: { total_count: number } }).summary.total_count,
    "number",
  );
  assert.ok(posts.headers.get("x-business-use-case-usage")?.includes('"type":"pages"'));
  const after = posts.body.paging?.cursors.after ?? null;
  const rest = await meta.graph(`${own?.id}/posts`, token, { limit: "20", after });
  assert.equal(rest.body.data?.length, 10);
  assert.equal(rest.body.paging?.next, undefined);
  const videos = await meta.graph(`${own?.id}/videos`, token, {
    fields: "id,length,permalink_url",
  });
  assert.equal(videos.body.data?.length, 10);
  const one = await meta.graph(String(videos.body.data?.[0]?.id), token, { fields: "views" });
  assert.equal(typeof one.body.views, "number");
  assert.deepEqual(codesOf((await meta.graph(`${fans?.id}/posts`, token)).body), [100, 33]);
});

Deno.test("Throttling of pages, users and the app have a code each", async () => {
  await using meta = new MetaSimulator();
  const [, own] = await pagesOf(meta);
  const cases: [string, number, string | null][] = [
    ["rate_limited", 80001, "x-business-use-case-usage"],
    ["user_rate_limited", 32, null],
    ["quota_exceeded", 4, "x-app-usage"],
  ];
  for (const [kind, code, header] of cases) {
    await meta.fault({ kind, account: "creator@example.com", retry_after: 60 });
    const { status, headers, body } = await meta.graph("me", String(own?.access_token));
    assert.deepEqual([status, body.error?.code], [400, code]);
    if (header) assert.ok(headers.has(header));
  }
  const { requests } = await meta.admin<{ requests: unknown[] }>("GET", "requests");
  assert.ok(!JSON.stringify(requests).includes(String(own?.access_token)), "the log has no token");
});
