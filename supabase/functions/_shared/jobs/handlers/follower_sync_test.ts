import assert from "node:assert/strict";
import { AppError, type ErrorCode } from "../../errors.ts";
import { SyncWorld } from "../sync_world.ts";
import { runInMemory } from "../testing.ts";
import { followerSync } from "./follower_sync.ts";

const params = { social_account_id: "6f6b1c9e-3f5f-4f0e-9a53-0d0c6b0f3a11" };

async function run(world: SyncWorld, platform = "tiktok") {
  const { outcome } = await runInMemory(followerSync, {
    params,
    deps: {
      ...world.deps,
      sources: { tiktok: world.source },
      connections: { withAccessToken: async (_account, use) => await use("access", platform) },
    },
  });
  return outcome.kind === "completed" ? outcome.result : outcome;
}

Deno.test("follower_sync reads the account and nothing of its content", async () => {
  const world = SyncWorld.of(50);
  assert.deepEqual(await run(world), { outcome: "updated" });
  assert.deepEqual(world.calls, ["account", "facts of Channel"]);
});

Deno.test("follower_sync leaves the last units of the day to others", async () => {
  const world = SyncWorld.of(50);
  world.cost = { bucket: "default", account: 1, page: 2 };
  world.unitsLeft = 0;
  assert.deepEqual(await run(world), { outcome: "no_quota" });
  assert.deepEqual(world.calls, []);
});

Deno.test("follower_sync has nothing to ask of a platform without a source", async () => {
  assert.deepEqual(await run(SyncWorld.of(50), "facebook"), { outcome: "not_supported" });
});

for (const code of ["CONNECTION_REVOKED", "SOCIAL_ACCOUNT_NOT_FOUND"] satisfies ErrorCode[]) {
  Deno.test(`follower_sync takes ${code} for an answer`, async () => {
    const world = SyncWorld.of(50);
    world.before = () => {
      throw new AppError(code);
    };
    assert.deepEqual(await run(world), { outcome: "ended" });
  });
}
