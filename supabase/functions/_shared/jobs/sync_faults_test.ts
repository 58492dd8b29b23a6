import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { fault } from "./sync_samples.ts";
import { SyncWorld } from "./sync_world.ts";

const tenMinutes = 10 * 60_000;

/** Asserts that a run is put off until about then, without a retry. */
function assertPutOff(outcome: unknown, atLeastMs: number) {
  const { kind, delayMs } = outcome as { kind: string; delayMs: number };
  assert.equal(kind, "yielded");
  assert.ok(delayMs > atLeastMs - 5_000 && delayMs <= atLeastMs + tenMinutes, `${delayMs} ms`);
}

Deno.test("a sync waits exactly as long as a 429 asks for", async () => {
  const world = SyncWorld.of(100);
  world.before = (call) => {
    if (call.startsWith("page")) {
      throw fault({ httpStatus: 429, class: "retry_after", retryAfterMs: 7_000 });
    }
  };
  assert.deepEqual((await world.run()).outcome, {
    kind: "failed",
    code: "PROVIDER_RATE_LIMITED",
    message: "The platform asked us to slow down (tiktok: reason)",
    retryable: true,
    retryAfterMs: 7_000,
  });
});

Deno.test("a sync that meets a used-up daily quota tells the others, and goes on after the reset", async () => {
  const world = SyncWorld.of(150);
  world.cost = { bucket: "default", account: 1, page: 2 };
  world.before = (call) => {
    if (call.startsWith("page P1")) {
      throw fault({ httpStatus: 403, class: "quota_daily", retryAfterMs: 3_600_000 });
    }
  };
  const { outcome, progress } = await world.run();
  assertPutOff(outcome, 3_600_000);
  assert.match(progress.at(-1)?.message ?? "", /^Goes on after \S+ \S+ UTC: the daily quota of /);
  assert.equal(world.exhausted.length, 1);
  assert.ok(Math.abs(world.exhausted[0]!.getTime() - Date.now() - 3_600_000) < 5_000);
  world.before = () => {};
  const second = await world.run({ checkpoint: world.checkpoint });
  assert.equal(second.outcome.kind, "completed");
  assert.equal(world.stored.size, 150);
});

Deno.test("a sync takes its units before it spends them, and calls nobody when there are none", async () => {
  const world = SyncWorld.of(150);
  world.cost = { bucket: "default", account: 1, page: 2 };
  world.unitsLeft = 4;
  world.resetsAt = new Date(Date.now() + 7_200_000);
  const { outcome } = await world.run();
  assertPutOff(outcome, 7_200_000);
  assert.deepEqual(world.calls, ["account", "facts of Channel", "page first of list"]);
  assert.equal(world.unitsLeft, 1);
  assert.deepEqual(world.exhausted, []);
});

Deno.test("a sync whose reset is already over goes on at once", async () => {
  const world = SyncWorld.of(50);
  world.cost = { bucket: "default", account: 1, page: 2 };
  world.unitsLeft = 0;
  world.resetsAt = new Date(Date.now() - 60_000);
  assertPutOff((await world.run()).outcome, 0);
  assert.deepEqual(world.calls, []);
});

Deno.test("a sync of a platform that counts nothing for all is put off by its refusal alone", async () => {
  const world = SyncWorld.of(50);
  world.before = () => {
    throw fault({ class: "quota_daily" });
  };
  assertPutOff((await world.run()).outcome, 3_600_000);
  assert.deepEqual(world.exhausted, []);
});

Deno.test("a sync slows down where the platform asks for it, and leaves its place for a long pause", async () => {
  const world = SyncWorld.of(100);
  world.pauseMs = 600_000;
  const { outcome } = await world.run();
  assert.deepEqual([outcome.kind, "delayMs" in outcome && outcome.delayMs], ["yielded", 600_000]);
  assert.equal(world.stored.size, 50);
  assert.equal((await world.run({ checkpoint: world.checkpoint })).outcome.kind, "completed");
});

Deno.test("a sync retries an answer that was cut off, without showing it to anybody", async () => {
  const world = SyncWorld.of(50);
  world.before = (call) => {
    if (call !== "account") throw fault({ reason: "invalid_json", class: "retry_transient" });
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_UNAVAILABLE");
  assert.equal(outcome.kind === "failed" && outcome.retryable, true);
  assert.doesNotMatch(JSON.stringify(outcome), /secret body/);
});

Deno.test("a sync of a revoked connection is fatal", async () => {
  const world = SyncWorld.of(50);
  world.before = () => {
    throw new AppError("CONNECTION_REVOKED");
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "CONNECTION_REVOKED");
  assert.equal(outcome.kind === "failed" && outcome.retryable, false);
});

Deno.test("a sync tries a platform again later that repeats a page", async () => {
  const world = SyncWorld.of(100);
  const { listPage } = world.source;
  const source = { ...world.source };
  source.listPage = async (...call) => ({ ...await listPage(...call), next: "P1" });
  Object.defineProperty(world, "source", { value: source });
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_UNAVAILABLE");
  assert.equal(world.stored.size, 50);
});
