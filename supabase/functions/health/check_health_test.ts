import assert from "node:assert/strict";
import { judge, type QueueHealth } from "./check_health.ts";

const NOW = Date.UTC(2026, 0, 1);

function queue(parts: Partial<QueueHealth> = {}): QueueHealth {
  return {
    oldest_pending_seconds: 0,
    pending: 0,
    workers: 0,
    last_tick_at: new Date(NOW - 8_000).toISOString(),
    ...parts,
  };
}

Deno.test("judge() finds an idle queue without workers healthy", () => {
  assert.deepEqual(judge(queue(), NOW), {
    success: true,
    status: "ok",
    checks: {
      database: { status: "ok" },
      queue: { status: "ok", oldest_pending_seconds: 0 },
      tick: { status: "ok", seconds_ago: 8 },
      worker: { status: "ok", live: 0 },
    },
  });
});

for (
  const [what, figures, check] of [
    ["a queue that is stuck", { pending: 1, workers: 1, oldest_pending_seconds: 500 }, "queue"],
    ["a tick that stopped", { last_tick_at: new Date(NOW - 90_000).toISOString() }, "tick"],
    ["a tick that never came", { last_tick_at: null }, "tick"],
    ["waiting jobs without a worker", { pending: 1, oldest_pending_seconds: 40 }, "worker"],
  ] as const
) {
  Deno.test(`judge() reports ${what}`, () => {
    const health = judge(queue(figures), NOW);
    assert.equal(health.success, false);
    assert.equal(health.checks[check].status, "failing");
  });
}

Deno.test("judge() says of the rest that it is unknown when the database does not answer", () => {
  const { success, checks } = judge(null, NOW);
  assert.equal(success, false);
  assert.deepEqual(
    [checks.database.status, checks.queue.status, checks.tick.status, checks.worker.status],
    ["failing", "unknown", "unknown", "unknown"],
  );
});
