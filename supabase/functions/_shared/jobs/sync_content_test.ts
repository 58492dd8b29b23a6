import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import type { AbortReason } from "./errors.ts";
import { fault } from "./sync_samples.ts";
import { SyncWorld } from "./sync_world.ts";

const counts = {
  synced_count: 0,
  new_items: 0,
  updated_items: 0,
  unchanged: 0,
  removed: 3,
  missing: 0,
  failed_count: 0,
  failures: [],
  pages: 0,
  quota_used: 0,
  total: 0,
};

type Outcome = Awaited<ReturnType<SyncWorld["run"]>>["outcome"];

function assertResult(outcome: Outcome, result: Partial<typeof counts>) {
  assert.deepEqual(outcome, { kind: "completed", result: { ...counts, ...result } });
}

const all = (count: number, pages: number) => ({
  synced_count: count,
  new_items: count,
  pages,
  quota_used: 1 + pages,
  total: count,
});

/** A world whose sync died at a call, after what came before it. */
async function interrupted(count: number, at: string): Promise<SyncWorld> {
  const world = SyncWorld.of(count);
  world.before = (call) => {
    if (call.startsWith(at)) throw new Error("the process died");
  };
  await world.run();
  world.before = () => {};
  world.calls.length = 0;
  return world;
}

Deno.test("a sync stores a list page by page, with progress from the platform's own total", async () => {
  const world = SyncWorld.of(250);
  const { outcome } = await world.run();
  assertResult(outcome, all(250, 5));
  assert.equal(world.stored.size, 250);
  assert.deepEqual(world.calls.slice(0, 3), ["account", "facts of Channel", "page first of list"]);
  assert.deepEqual(world.batches.map(({ progress }) => [progress.percent, progress.message]), [
    [20, "50 of 250 items"],
    [40, "100 of 250 items"],
    [59, "150 of 250 items"],
    [79, "200 of 250 items"],
    [99, "250 of 250 items"],
  ]);
  assert.deepEqual(world.ends.map(({ isComplete }) => isComplete), [true]);
});

Deno.test("a second sync finds everything unchanged, and what was renamed updated", async () => {
  const world = SyncWorld.of(120);
  await world.run();
  world.anew();
  world.stored.set("item-7", "an older title");
  assertResult((await world.run()).outcome, {
    ...all(120, 3),
    new_items: 0,
    updated_items: 1,
    unchanged: 119,
  });
});

Deno.test("a sync after a crash asks the platform only for the rest", async () => {
  const world = await interrupted(250, "page P3");
  assert.equal(world.stored.size, 150);
  const { outcome } = await world.run({ checkpoint: world.checkpoint });
  assert.deepEqual(world.calls, ["page P3 of list", "page P4 of list"]);
  assertResult(outcome, all(250, 5));
});

Deno.test("a sync that crashed after its last page only says that it is done", async () => {
  const world = SyncWorld.of(60);
  await world.run();
  world.calls.length = 0;
  assertResult((await world.run({ checkpoint: world.checkpoint })).outcome, all(60, 2));
  assert.deepEqual(world.calls, []);
  assert.equal(world.ends.length, 2);
});

Deno.test("a sync calls the platform no more once it is cancelled", async () => {
  const world = SyncWorld.of(250);
  let stop: (reason: AbortReason) => void = () => {};
  world.before = (call) => {
    if (call.startsWith("page P1")) stop("cancelled");
  };
  const { outcome } = await world.run({ started: (control) => stop = control.abort });
  assert.deepEqual(outcome, { kind: "cancelled" });
  assert.equal(world.calls.at(-1), "page P1 of list");
  assert.deepEqual([world.batches.length, world.ends.length], [1, 0]);
});

Deno.test("a sync yields at the end of its slice and goes on from there", async () => {
  const world = SyncWorld.of(250);
  const first = await world.run({ remaining: () => world.batches.length >= 2 ? 0 : 1_000 });
  assert.equal(first.outcome.kind, "yielded");
  assert.equal(world.stored.size, 100);
  assertResult((await world.run({ checkpoint: world.checkpoint })).outcome, all(250, 5));
});

Deno.test("a sync counts an item once that two pages show, also over a crash", async () => {
  const world = SyncWorld.of(100);
  world.pages[1]!.unshift("item-49");
  world.pages[1]!.push("item-99");
  assertResult((await world.run()).outcome, all(100, 2));
  const later = await interrupted(100, "page P1");
  later.pages[1]!.unshift("item-49");
  assertResult((await later.run({ checkpoint: later.checkpoint })).outcome, all(100, 2));
});

Deno.test("a sync counts what the list names and the details lack, and does not call it seen", async () => {
  const world = SyncWorld.of(60);
  for (const id of ["item-3", "item-55"]) world.gone.add(id);
  assertResult((await world.run()).outcome, {
    ...all(60, 2),
    synced_count: 58,
    new_items: 58,
    missing: 2,
  });
  assert.ok(!world.batches.some(({ seen }) => seen.includes("item-3")));
});

Deno.test("a sync reports item by item what cannot be read, and takes it for there", async () => {
  const world = SyncWorld.of(60);
  world.strange.add("item-3");
  const { outcome } = await world.run();
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    ...counts,
    ...all(60, 2),
    synced_count: 59,
    new_items: 59,
    failed_count: 1,
    failures: [{ platform_content_id: "item-3", code: "VALIDATION_ERROR" }],
  });
  assert.ok(world.batches[0]!.seen.includes("item-3"));
  assert.equal(world.ends[0]!.isComplete, true);
});

Deno.test("a sync names twenty failures and counts all", async () => {
  const world = SyncWorld.of(100);
  world.pages.flat().slice(0, 70).forEach((id) => world.strange.add(id));
  const { outcome } = await world.run();
  const result = outcome.kind === "completed" ? outcome.result as typeof counts : counts;
  assert.deepEqual([result.failed_count, result.failures.length], [70, 20]);
});

Deno.test("a sync stops at max_results and calls nothing vanished", async () => {
  const world = SyncWorld.of(250);
  const { outcome } = await world.run({ params: { max_results: 70 } });
  assertResult(outcome, { ...all(70, 2), removed: 0 });
  assert.equal(world.batches.at(-1)!.progress.message, "70 of 70 items");
  assert.deepEqual(world.ends.map(({ isComplete }) => isComplete), [false]);
});

for (
  const [what, change] of [
    ["may have been cut off", (world: SyncWorld) => world.mayStopAt = 90],
    ["has items without a name", (world: SyncWorld) => {
      world.pages[0]!.push("nameless");
      world.strange.add("nameless");
    }],
    ["is empty although the account is not", (world: SyncWorld) => {
      world.pages = [];
      world.contentCount = 100;
    }],
  ] as const
) {
  Deno.test(`a sync of a list that ${what} calls nothing vanished`, async () => {
    const world = SyncWorld.of(100);
    change(world);
    assert.equal((await world.run()).outcome.kind, "completed");
    assert.deepEqual(world.ends.map(({ isComplete }) => isComplete), [false]);
  });
}

Deno.test("a sync takes an account without content", async () => {
  const world = new SyncWorld([]);
  assertResult((await world.run()).outcome, all(0, 1));
});

Deno.test("a sync reads again from the first page when its cursor has expired", async () => {
  const world = await interrupted(150, "page P2");
  const resumed = world.checkpoint;
  let refused = false;
  world.before = (call) => {
    if (!call.startsWith("page P2") || refused) return;
    refused = true;
    throw fault({ reason: "stale" });
  };
  const { outcome, checkpoints } = await world.run({ checkpoint: resumed });
  assertResult(outcome, { ...all(150, 5), quota_used: 6 });
  assert.deepEqual(checkpoints.map(({ cursor, pass }) => [cursor, pass]), [[null, 2]]);
});

Deno.test("a sync does not begin anew for ever when cursors never work", async () => {
  const world = SyncWorld.of(150);
  world.before = (call) => {
    if (call.startsWith("page P1")) throw fault({ reason: "stale" });
  };
  const { outcome } = await world.run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_REJECTED");
  assert.equal(world.calls.filter((call) => call.startsWith("page P1")).length, 2);
});

Deno.test("a sync reads on after empty pages that have a next one, but not for ever", async () => {
  const some = new SyncWorld([["a"], ...Array(40).fill([]), ["b"]]);
  assert.equal((await some.run()).outcome.kind === "completed" && some.stored.size, 2);
  const { outcome } = await new SyncWorld([["a"], ...Array(60).fill([]), ["b"]]).run();
  assert.equal(outcome.kind === "failed" && outcome.code, "PROVIDER_UNAVAILABLE");
  assert.equal(outcome.kind === "failed" && outcome.retryable, true);
});

Deno.test("a sync gives up its lease as soon as a batch is refused", async () => {
  const world = SyncWorld.of(100);
  world.deps.content.saveBatch = () => Promise.reject(new AppError("LEASE_LOST"));
  assert.deepEqual((await world.run()).outcome, { kind: "lost" });
  assert.deepEqual(world.calls.slice(2), ["page first of list"]);
});

Deno.test("a sync refuses params that are not valid before it calls anybody", async () => {
  const world = SyncWorld.of(50);
  const { outcome } = await world.run({ params: { max_results: 0 } });
  assert.equal(outcome.kind === "failed" && outcome.code, "INVALID_PARAMS");
  assert.deepEqual(world.calls, []);
});
