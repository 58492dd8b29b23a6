/** What every content source has to do, shown on all of them over their simulated platforms. */

import assert from "node:assert/strict";
import { type Opened, subjects } from "./conformance_subjects.ts";
import type { ContentPage, SourceAccess } from "./content_source.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";

async function accessTo({ source, token }: Opened): Promise<SourceAccess> {
  const { list_id } = await source.readAccount(token);
  return { accessToken: token, listId: list_id };
}

/** Reads the list to its end. */
async function readAll(opened: Opened, wanted = Infinity): Promise<ContentPage[]> {
  const access = await accessTo(opened);
  const pages: ContentPage[] = [];
  let cursor: string | null = null;
  do {
    const page: ContentPage = await opened.source.listPage(access, cursor, { wanted });
    assert.ok(page.next === null || page.next !== cursor, "the cursor moves");
    pages.push(page);
    cursor = page.next;
    assert.ok(pages.length < 200, "the list ends");
  } while (cursor !== null);
  return pages;
}

const itemsOf = (pages: ContentPage[]) => pages.flatMap(({ items }) => items);
const idsOf = (pages: ContentPage[]) => itemsOf(pages).map((item) => item.platform_content_id);
const faultOf = (call: Promise<unknown>) =>
  call.then(() => assert.fail("did not fail"), (error: unknown) => error);

for (const [platform, subject] of Object.entries(subjects)) {
  const { list, pageSize } = subject;
  const test = (title: string, run: (open: typeof subject.open) => Promise<void>) =>
    Deno.test(`the ${platform} source ${title}`, async () => {
      const simulators: AsyncDisposable[] = [];
      try {
        await run(async (items) => {
          const opened = await subject.open(items);
          simulators.push(opened.simulator);
          return opened;
        });
      } finally {
        for (const simulator of simulators) await simulator[Symbol.asyncDispose]();
      }
    });

  test("lists every item once, in pages of the platform's best size, ids to the last digit", async (open) => {
    const opened = await open(130);
    const pages = await readAll(opened);
    assert.deepEqual(idsOf(pages).toSorted(), opened.ids.toSorted());
    assert.ok(pages.every(({ items }) => items.length <= pageSize));
    assert.ok(pages.some(({ items }) => items.length === pageSize));
    assert.deepEqual(pages.flatMap(({ missing, failed }) => [...missing, ...failed]), []);
    for (const { quotaUsed, total } of pages) {
      assert.ok(quotaUsed > 0 && quotaUsed <= (opened.source.cost?.page ?? 1));
      assert.ok(total === null || total === 130);
    }
  });

  test("gives items as the content module stores them, the same each time", async (open) => {
    const opened = await open(60);
    const items = itemsOf(await readAll(opened));
    for (const item of items) {
      assert.equal(new URL(item.url).protocol, "https:");
      assert.ok(item.published_at !== null && !Number.isNaN(Date.parse(item.published_at)));
      for (const count of [item.view_count, item.like_count, item.comment_count]) {
        assert.ok(count === null || Number.isSafeInteger(count) && count >= 0);
      }
      assert.deepEqual(item.media.map(({ position }) => position), [...item.media.keys()]);
      assert.equal(new Set(item.hashtags).size, item.hashtags.length);
    }
    assert.deepEqual(itemsOf(await readAll(opened)), items);
  });

  test("reads the account with the number of its items", async (open) => {
    const { source, token } = await open(7);
    const account = await source.readAccount(token);
    assert.equal(account.content_count, 7);
    assert.ok(account.platform_account_id.length > 0 && account.display_name.length > 0);
    assert.ok((account.follower_count ?? 0) > 0);
  });

  test("takes an account without content", async (open) => {
    const pages = await readAll(await open(0));
    assert.deepEqual([pages.length, idsOf(pages)], [1, []]);
  });

  test("loses nothing to duplicates across pages and to empty pages with more", async (open) => {
    const opened = await open(130);
    const { simulator, ids } = opened;
    await simulator.admin("POST", "faults", { kind: "duplicate_item", path: list, skip: 2 });
    await simulator.admin("POST", "faults", { kind: "empty_page", path: list });
    const read = idsOf(await readAll(opened));
    assert.deepEqual([...new Set(read)].toSorted(), ids.toSorted());
  });

  test("survives an item that goes between two calls, and names it where it can", async (open) => {
    const opened = await open(10);
    const path = list.replace("playlistItems", "videos");
    await opened.simulator.fault({ kind: "deleted_item", path });
    const pages = await readAll(opened);
    assert.equal(idsOf(pages).length, 9);
    assert.equal(pages.flatMap(({ missing }) => missing).length, subject.hasDetails ? 1 : 0);
  });

  test("takes missing fields for unknown", async (open) => {
    const opened = await open(10);
    const path = list.replace("playlistItems", "videos");
    await opened.simulator.fault({ kind: "missing_fields", path });
    const pages = await readAll(opened);
    assert.equal(idsOf(pages).length, 10);
    assert.ok(itemsOf(pages).every((item) => item.like_count === null && item.tags.length === 0));
  });

  test("knows an expired cursor from everything else", async (open) => {
    const opened = await open(130);
    const { source, simulator } = opened;
    const access = await accessTo(opened);
    const { next } = await source.listPage(access, null, { wanted: Infinity });
    const failing = async (kind: string) => {
      await simulator.fault({ kind, path: list });
      return await faultOf(source.listPage(access, next, { wanted: Infinity }));
    };
    assert.ok(source.isStaleCursor(await failing("cursor_expired")));
    for (const kind of ["server_error", "expired_token", "missing_scope", "rate_limited", "html"]) {
      assert.ok(!source.isStaleCursor(await failing(kind)), kind);
    }
    assert.ok(!source.isStaleCursor(new Error("ours")));
  });

  const classes: [string, Record<string, unknown>, ProviderErrorClass[]][] = [
    ["expired_token", {}, ["reauth"]],
    ["revoked_token", {}, ["reauth"]],
    ["missing_scope", {}, ["permission"]],
    // Meta speaks of minutes.
    ["rate_limited", { retry_after: 60 }, ["retry_after"]],
    ["rate_limited", {}, ["retry_after"]],
    ["server_error", {}, ["retry_transient"]],
    ["server_error", { status: 503 }, ["retry_transient"]],
    ["connection_reset", {}, ["retry_transient"]],
    ["truncated_json", {}, ["retry_transient"]],
    ["html", {}, ["retry_transient"]],
  ];
  test("says what each bad day means, on the list and on the account", async (open) => {
    const opened = await open(60);
    const access = await accessTo(opened);
    for (const [kind, detail, expected] of classes) {
      for (const call of ["listPage", "readAccount"] as const) {
        await opened.simulator.fault({ kind, ...detail });
        const error = await faultOf(
          call === "listPage"
            ? opened.source.listPage(access, null, { wanted: Infinity })
            : opened.source.readAccount(opened.token),
        );
        assert.ok(error instanceof ProviderError, `${kind} on ${call}: ${error}`);
        assert.ok(expected.includes(error.class), `${kind} on ${call} is ${error.class}`);
        if ("retry_after" in detail) assert.equal(error.retryAfterMs, 60_000);
        assert.ok(!error.message.includes(opened.token));
      }
    }
  });

  test("stops a call whose caller has gone, with the caller's reason", async (open) => {
    const opened = await open(60);
    const access = await accessTo(opened);
    await opened.simulator.fault({ kind: "slow", path: list, delay_ms: 2_000 });
    const caller = new AbortController();
    const reason = new Error("gone");
    setTimeout(() => caller.abort(reason), 50);
    const options = { signal: caller.signal, wanted: Infinity };
    const started = Date.now();
    assert.equal(await faultOf(opened.source.listPage(access, null, options)), reason);
    assert.equal(await faultOf(opened.source.readAccount(opened.token, options)), reason);
    assert.ok(Date.now() - started < 1_900);
  });
}
