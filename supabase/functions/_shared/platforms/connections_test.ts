import assert from "node:assert/strict";
import { echo, fakeStore, grant, isRevoked, never, NOW, open, refusal } from "./fake_connection.ts";

Deno.test("withAccessToken() uses a token that is still good", async () => {
  const { store } = fakeStore();
  assert.equal(await open(store, never).withAccessToken("a", echo), "at-1");
});

Deno.test("withAccessToken() refreshes a token that ends soon and keeps the refresh token", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW + 60_000).toISOString() });
  assert.equal(await open(store, () => grant("at-2")).withAccessToken("a", echo), "at-2");
  assert.deepEqual([row.token_version, row.refresh_token], [2, "rt-1"]);
});

Deno.test("renew() renews the tokens it was asked about and no later ones", async () => {
  const { row, store } = fakeStore();
  assert.equal(await open(store, () => grant("at-2")).renew("a", 1), true);
  assert.equal(await open(store, never).renew("a", 1), false);
  assert.deepEqual([row.access_token, row.token_version], ["at-2", 2]);
});

Deno.test("renew() renews a token that is refreshed with itself", async () => {
  const { row, store } = fakeStore({ refresh_token: null });
  const { renew } = open(store, ({ accessToken }) => grant(`${accessToken}+`), "access_token");
  assert.equal(await renew("a", 1), true);
  assert.deepEqual([row.access_token, row.refresh_token], ["at-1+", null]);
});

Deno.test("withAccessToken() refreshes a refused token and tries once more", async () => {
  const { store } = fakeStore();
  const used: string[] = [];
  const result = await open(store, () => grant("at-2")).withAccessToken("a", (token) => {
    used.push(token);
    return token === "at-1" ? Promise.reject(refusal("authError")) : Promise.resolve("done");
  });
  assert.deepEqual([result, used], ["done", ["at-1", "at-2"]]);
});

Deno.test("withAccessToken() ends the connection when a fresh token is refused as well", async () => {
  const { row, revoked, store } = fakeStore();
  const { withAccessToken } = open(store, () => grant("at-2"));
  const use = () => Promise.reject(refusal("authError"));
  await assert.rejects(withAccessToken("a", use), isRevoked);
  assert.deepEqual([row.status, revoked], ["disconnected", ["authError"]]);
});

Deno.test("withAccessToken() ends the connection when the grant is gone", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, () => Promise.reject(refusal("invalid_grant")));
  await assert.rejects(withAccessToken("a", never), isRevoked);
  assert.equal(row.status, "disconnected");
  await assert.rejects(withAccessToken("a", never), isRevoked);
});

Deno.test("withAccessToken() ends an expired connection that has no refresh token", async () => {
  const { row, store } = fakeStore({
    refresh_token: null,
    token_expires_at: new Date(NOW).toISOString(),
  });
  await assert.rejects(open(store, never).withAccessToken("a", never), isRevoked);
  assert.equal(row.status, "disconnected");
});
