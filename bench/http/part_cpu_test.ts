import assert from "node:assert/strict";
import { cpuPerCall } from "./part_cpu.ts";

Deno.test("CPU per call is what was added between the readings, by part", () => {
  const before = { gateway: 100, postgres: 1_000, mailbox: 50 };
  const after = { gateway: 200, postgres: 1_300, mailbox: 50, "sync-youtube": 400 };

  assert.deepEqual(cpuPerCall(before, after, 100), {
    gateway: 1,
    postgres: 3,
    "sync-youtube": 4,
  });
});
