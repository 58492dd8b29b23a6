import assert from "node:assert/strict";
import { momentOf } from "./watcher.ts";

Deno.test("a database timestamp is read to the microsecond", () => {
  const second = Date.parse("2026-01-02T03:04:05Z");

  assert.equal(momentOf("2026-01-02T03:04:05.123456+00:00"), second + 123.456);
  assert.equal(momentOf("2026-01-02T03:04:05.1234+00:00"), second + 123.4);
  assert.equal(momentOf("2026-01-02T03:04:05.12+00:00"), second + 120);
  assert.equal(momentOf("2026-01-02T03:04:05+00:00"), second);
});
