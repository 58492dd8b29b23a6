/** Searching, removing and giving back what was synced: by its owner, and by nobody else. */
import assert from "node:assert/strict";
import { z } from "zod";
import { readStack } from "../../../local/stack/client.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { ended, Person } from "./person.ts";
import { accountWith } from "./simulator.ts";

const rows = z.array(z.object({
  id: z.string(),
  platform: z.string(),
  title: z.string(),
  hashtags: z.array(z.string()),
  rank: z.number(),
  matched_by: z.enum(["words", "likeness", "list"]),
  total_count: z.number(),
  next_cursor: z.record(z.string(), z.unknown()),
}));

/** Calls a function of the data API, as a frontend without a client would. */
async function rpc({ stack, token }: Person, name: string, body: Record<string, unknown>) {
  const response = await fetch(`${stack.api_url}/rest/v1/rpc/${name}`, {
    method: "POST",
    headers: {
      apikey: stack.publishable_key,
      ...(token && { authorization: `Bearer ${token}` }),
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() as unknown };
}

async function search(person: Person, body: Record<string, unknown> = {}) {
  const answer = await rpc(person, "search_own_content", body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return rows.parse(answer.body);
}

async function assertRefused(
  call: ReturnType<typeof rpc>,
  status: number,
  code?: string,
): Promise<void> {
  const answer = await call;
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  if (code) assert.ok(JSON.stringify(answer.body).includes(`"${code}"`), code);
}

/** Somebody with so many synced items of a platform. */
async function creatorWith(stack: StackInfo, platform: string, items: number) {
  const creator = await Person.signUp(stack);
  const account = await creator.connect(platform, accountWith(items));
  await syncAgain(creator, platform, { new_items: items });
  return { creator, account };
}

async function syncAgain(creator: Person, platform: string, expected: Record<string, number>) {
  const job = await creator.waitForJob(await creator.startSync({}, platform), ended);
  const result = z.record(z.string(), z.unknown()).parse(job.result);
  for (const [name, count] of Object.entries(expected)) {
    assert.equal(result[name], count, JSON.stringify(job));
  }
}

Deno.test("owners search what was synced: words, likeness, filters, page by page, and nobody else finds it", async () => {
  const stack = await readStack();
  const { creator } = await creatorWith(stack, "tiktok", 45);
  const other = await Person.signUp(stack);

  const leafed: string[] = [];
  for (let page = await search(creator, { p_limit: 20 }); page.length > 0;) {
    leafed.push(...page.map(({ id }) => id));
    assert.deepEqual([page[0]?.total_count, page[0]?.matched_by], [45, "list"]);
    page = await search(creator, { p_limit: 20, p_cursor: page.at(-1)?.next_cursor });
  }
  assert.deepEqual([leafed.length, new Set(leafed).size], [45, 45]);

  const all = await search(creator, { p_limit: 100 });
  const word = all.flatMap(({ title }) => title.match(/[A-Za-z]{8,}/g) ?? [])[0] ?? "";
  const byWord = await search(creator, { p_query: word });
  assert.ok(byWord.length > 0 && byWord.every(({ matched_by }) => matched_by === "words"), word);
  const slip = word.slice(0, 4) + word.slice(5);
  const byLikeness = await search(creator, { p_query: slip });
  assert.ok(byLikeness.length > 0, slip);
  assert.ok(byLikeness.every(({ matched_by }) => matched_by === "likeness"), slip);
  const hashtag = all.flatMap(({ hashtags }) => hashtags)[0] ?? "";
  const byTag = await search(creator, { p_hashtags: [`#${hashtag.toUpperCase()}`] });
  assert.ok(byTag.length > 0 && byTag.every(({ hashtags }) => hashtags.includes(hashtag)), hashtag);
  assert.deepEqual(await search(creator, { p_platform: "youtube" }), []);
  assert.equal((await search(creator, { p_platform: "tiktok", p_limit: 100 })).length, 45);

  assert.deepEqual(await search(other, { p_query: word }), []);
  assert.deepEqual(await search(other), []);
  await assertRefused(rpc(Person.anonymous(stack), "search_own_content", {}), 401);
  for (const body of [{ p_limit: 0 }, { p_limit: 101 }, { p_cursor: { rank: "high" } }]) {
    await assertRefused(rpc(creator, "search_own_content", body), 400, "VALIDATION_ERROR");
  }
});

Deno.test("what an owner deletes stays away through a sync, and comes back when restored; strangers and nobody can do neither", async () => {
  const stack = await readStack();
  const { creator } = await creatorWith(stack, "instagram", 12);
  const stranger = await Person.signUp(stack);
  const nobody = Person.anonymous(stack);
  const item = (await search(creator))[4]?.id ?? "";
  const its = { p_content_item_id: item };
  const isThere = async () => (await search(creator)).some(({ id }) => id === item);

  for (const name of ["delete_content", "restore_content"]) {
    await assertRefused(rpc(stranger, name, its), 404, "NOT_FOUND");
    await assertRefused(rpc(nobody, name, its), 401);
  }
  assert.ok(await isThere());

  assert.deepEqual(await rpc(creator, "delete_content", its), { status: 200, body: true });
  assert.deepEqual(await rpc(creator, "delete_content", its), { status: 200, body: false });
  assert.equal(await isThere(), false);
  await syncAgain(creator, "instagram", { new_items: 0, updated_items: 0, removed: 0, total: 12 });
  assert.equal(await isThere(), false);
  await assertRefused(rpc(stranger, "restore_content", its), 404, "NOT_FOUND");

  assert.deepEqual(await rpc(creator, "restore_content", its), { status: 200, body: true });
  assert.deepEqual(await rpc(creator, "restore_content", its), { status: 200, body: false });
  assert.ok(await isThere());
});

Deno.test("what was synced stays its owner's after the account is disconnected, and says where it is from", async () => {
  const stack = await readStack();
  const { creator, account } = await creatorWith(stack, "youtube", 3);
  const left = await creator.call("oauth-disconnect", { social_account_id: account });
  assert.equal(left.status, 200, JSON.stringify(left.body));
  const kept = await search(creator, { p_platform: "youtube" });
  assert.deepEqual(kept.map(({ platform }) => platform), ["youtube", "youtube", "youtube"]);
  const again = await creator.call("sync-youtube", { social_account_id: account });
  assert.equal(again.status, 404, JSON.stringify(again.body));
});
