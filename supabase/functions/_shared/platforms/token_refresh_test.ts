import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { echo, fakeStore, grant, never, NOW, open, refusal } from "./fake_connection.ts";
import type { TokenStore } from "./token_store.ts";

Deno.test("withAccessToken() refreshes once for many callers at once", async () => {
  const { store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let refreshes = 0;
  const { withAccessToken } = open(store, () => {
    refreshes += 1;
    return grant("at-2");
  });
  const tokens = await Promise.all(Array.from({ length: 20 }, () => withAccessToken("a", echo)));
  assert.deepEqual([refreshes, new Set(tokens)], [1, new Set(["at-2"])]);
});

Deno.test("withAccessToken() makes one refresh of those of many workers", async () => {
  const { store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let refreshes = 0;
  const workers = Array.from({ length: 20 }, () =>
    open(store, async () => {
      refreshes += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await grant("at-2", "rt-2");
    }));
  const tokens = await Promise.all(workers.map((one) => one.withAccessToken("a", echo)));
  assert.deepEqual([refreshes, new Set(tokens)], [1, new Set(["at-2"])]);
});

Deno.test("withAccessToken() does not wait for ever for a refresh that does not end", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  await store.claim({ ...row }, "a worker that hangs");
  await assert.rejects(open(store, never).withAccessToken("a", never), (error) => {
    return error instanceof AppError && error.code === "SERVICE_UNAVAILABLE";
  });
  assert.equal(row.status, "active");
});

Deno.test("withAccessToken() lets the next one try when the provider was down", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const down = refusal("http_503", "retry_transient");
  await assert.rejects(
    open(store, () => Promise.reject(down)).withAccessToken("a", never),
    (error) => error === down,
  );
  assert.equal(row.status, "active");
  assert.equal(await open(store, () => grant("at-2")).withAccessToken("a", echo), "at-2");
});

Deno.test("withAccessToken() stores what a provider has given out although the database stumbles", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let tries = 0;
  const stumbling: TokenStore = {
    ...store,
    swap: (read, given) => {
      tries += 1;
      return tries < 3
        ? Promise.reject(new AppError("SERVICE_UNAVAILABLE"))
        : store.swap(read, given);
    },
  };
  const { withAccessToken } = open(stumbling, () => grant("at-2", "rt-2"));
  assert.deepEqual([await withAccessToken("a", echo), row.refresh_token, tries], [
    "at-2",
    "rt-2",
    3,
  ]);
});

Deno.test("withAccessToken() goes on with the tokens of another worker that was faster", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, async () => {
    await store.swap({ ...row }, await grant("at-theirs", "rt-theirs"));
    return grant("at-ours");
  });
  assert.equal(await withAccessToken("a", echo), "at-theirs");
  assert.equal(row.refresh_token, "rt-theirs");
});

Deno.test("withAccessToken() does not take a token that another worker rotated for a revoked one", async () => {
  const { row, revoked, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, async () => {
    await store.swap({ ...row }, await grant("at-theirs", "rt-theirs"));
    throw refusal("invalid_grant");
  });
  assert.equal(await withAccessToken("a", echo), "at-theirs");
  assert.deepEqual(revoked, []);
});
