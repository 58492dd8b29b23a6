import assert from "node:assert/strict";
import { openFunction } from "../../functions/_shared/testing/stack.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Journey } from "./journey.ts";

/** How often TikTok was asked for new tokens of this account. */
async function refreshesAt(stack: StackInfo, account: string): Promise<number> {
  const answer = await fetch(
    `${stack.providers_url}/_admin/calls?account=${encodeURIComponent(account)}`,
  );
  const { calls } = await answer.json();
  return calls["POST /tiktok/v2/oauth/token/ refresh_token"] ?? 0;
}

const echo = (token: string) => Promise.resolve(token);

/** As many workers as asked for, each with nothing in common with the others but the database. */
async function workers(count: number) {
  const { createConnections } = await import("../../functions/_shared/platforms/connections.ts");
  const { platforms } = await import("../../functions/_shared/platforms/registry.ts");
  const { tokenStore } = await import("../../functions/_shared/platforms/token_store.ts");
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return Array.from(
    { length: count },
    () => createConnections({ store: tokenStore, platforms, now: Date.now, sleep }),
  );
}

Deno.test("twenty workers that need a rotating token anew make one call to its provider", async () => {
  const { stack } = await openFunction(() => import("../../functions/oauth-tiktok-init/index.ts"));
  await using journey = await Journey.begin(stack, "tiktok");
  const account = await journey.connect();
  for (const round of [1, 2, 3]) {
    await journey.endSoon(account, "1 second");
    const used = await Promise.all(
      (await workers(20)).map((one) => one.withAccessToken(account, echo)),
    );
    assert.equal(new Set(used).size, 1, "all go on with the same token");
    assert.equal(await refreshesAt(stack, journey.account), round);
  }
  const { data } = await journey.creator.client.from("platform_connection").select("status")
    .single().throwOnError();
  assert.equal(data.status, "active");
});

Deno.test("a refresh whose answer is lost ends a rotating grant, and its owner is told once", async () => {
  const { stack } = await openFunction(() => import("../../functions/oauth-tiktok-init/index.ts"));
  await using journey = await Journey.begin(stack, "tiktok");
  const account = await journey.connect();
  await journey.endSoon(account, "1 second");
  await journey.fault("connection_reset");
  const [first, ...others] = await workers(5);
  await assert.rejects(first!.withAccessToken(account, echo));
  const after = await Promise.allSettled(
    others.map((one) => one.withAccessToken(account, echo)),
  );
  assert.ok(after.every(({ status }) => status === "rejected"));
  const { client } = journey.creator;
  const { data: [connection] } = await client.from("platform_connection").select("status")
    .throwOnError();
  assert.notEqual(connection!.status, "active");
  const { data: told } = await client.from("notification").select("kind")
    .eq("kind", "connection_revoked").throwOnError();
  assert.equal(told.length, 1);
  assert.equal(await refreshesAt(stack, journey.account), 2);
});
