import assert from "node:assert/strict";
import { judge, type QueueHealth } from "./check_health.ts";

const NOW = Date.UTC(2026, 0, 1);

function queue(parts: Partial<QueueHealth> = {}): QueueHealth {
  return {
    oldest_pending_seconds: 0,
    workers: 0,
    last_tick_at: new Date(NOW - 8_000).toISOString(),
    tick_refused: false,
    oldest_transaction_seconds: 3,
    ...parts,
  };
}

Deno.test("judge() finds an idle queue without workers healthy", () => {
  assert.deepEqual(judge(queue(), NOW), {
    success: true,
    status: "ok",
    checks: {
      database: { status: "ok" },
      transactions: { status: "ok" },
      queue: { status: "ok", oldest_pending_seconds: 0 },
      tick: { status: "ok", seconds_ago: 8 },
      doorbell: { status: "ok" },
      worker: { status: "ok", live: 0 },
    },
  });
});

for (
  const [what, figures, check] of [
    ["a queue that is stuck", { workers: 1, oldest_pending_seconds: 500 }, "queue"],
    ["a tick that stopped", { last_tick_at: new Date(NOW - 90_000).toISOString() }, "tick"],
    ["a tick that never came", { last_tick_at: null }, "tick"],
    ["work that waits while nobody checks in", { oldest_pending_seconds: 40 }, "worker"],
    ["a tick that the processor turns away", { tick_refused: true }, "doorbell"],
    ["a transaction open for over 15 minutes", { oldest_transaction_seconds: 901 }, "transactions"],
  ] as const
) {
  Deno.test(`judge() reports ${what}`, () => {
    const health = judge(queue(figures), NOW);
    assert.equal(health.success, false);
    assert.equal(health.checks[check].status, "failing");
    const others = Object.entries(health.checks).filter(([name]) => name !== check);
    assert.ok(others.every(([, { status }]) => status === "ok"), "and nothing else");
  });
}

for (
  const [what, figures] of [
    // get_queue_health() leaves out what a cap, a rate or a pause holds back.
    ["nothing but work that is held back", { oldest_pending_seconds: 0, workers: 0 }],
    ["work that has only just come", { oldest_pending_seconds: 20, workers: 0 }],
    ["a backlog that workers are at", { oldest_pending_seconds: 100, workers: 2 }],
    ["no transaction at all", { oldest_transaction_seconds: null }],
    ["a transaction of a quarter of an hour", { oldest_transaction_seconds: 900 }],
  ] as const
) {
  Deno.test(`judge() finds ${what} healthy`, () => {
    assert.equal(judge(queue(figures), NOW).success, true);
  });
}

Deno.test("judge() says of the rest that it is unknown when the database does not answer", () => {
  const { success, checks: { database, ...others } } = judge(null, NOW);
  assert.deepEqual([success, database.status], [false, "failing"]);
  assert.equal(Object.keys(others).length, 5);
  for (const { status } of Object.values(others)) assert.equal(status, "unknown");
});
