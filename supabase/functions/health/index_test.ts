import assert from "node:assert/strict";
import { openFunction, stackTest } from "../_shared/testing/stack.ts";

stackTest("health tells anybody how the parts are, without a key", async () => {
  const { fetch } = await openFunction(() => import("./index.ts"));
  const response = await fetch(new Request("http://function/health"));
  const health = await response.json();
  assert.equal(response.status, health.success ? 200 : 503);
  assert.deepEqual(Object.keys(health), ["success", "status", "checks", "version"]);
  assert.deepEqual(Object.keys(health.checks), [
    "database",
    "transactions",
    "queue",
    "tick",
    "doorbell",
    "worker",
  ]);
  assert.equal(health.checks.database.status, "ok");
  assert.equal(response.headers.get("cache-control"), "no-store");
});

stackTest("health answers HEAD, and nothing but reading", async () => {
  const { fetch } = await openFunction(() => import("./index.ts"));
  const head = await fetch(new Request("http://function/health", { method: "HEAD" }));
  assert.ok([200, 503].includes(head.status));
  assert.equal(await head.text(), "");
  assert.equal(
    (await fetch(new Request("http://function/health", { method: "POST" }))).status,
    405,
  );
});
