import assert from "node:assert/strict";
import { errorOf, waitingFor, whereToWatch } from "./job_view.ts";

const NOW = Date.UTC(2026, 0, 1);
const later = new Date(NOW + 60_000).toISOString();
const earlier = new Date(NOW - 60_000).toISOString();
const pending = {
  status: "pending",
  held_by: null,
  scheduled_for: earlier,
  retry_count: 0,
  error_code: null,
};

Deno.test("waitingFor() says why a job does not start, and nothing when it is simply next", () => {
  const failedOnce = { retry_count: 1, error_code: "PROVIDER_UNAVAILABLE" };
  const cases = [
    [pending, null],
    [{ ...pending, scheduled_for: later }, "schedule"],
    [{ ...pending, ...failedOnce, scheduled_for: later }, "retry"],
    [{ ...pending, ...failedOnce }, null],
    [{ ...pending, held_by: "children" }, "children"],
    [{ ...pending, held_by: "user_pause", scheduled_for: later }, "pause"],
    [{ ...pending, held_by: "user_cap" }, null],
    [{ ...pending, status: "processing", scheduled_for: later }, null],
    [{ ...pending, status: "completed" }, null],
  ] as const;
  for (const [job, reason] of cases) assert.equal(waitingFor(job, NOW), reason);
});

Deno.test("errorOf() shows the error a job ended with, not one it has got over", () => {
  const failure = { error_code: "PROVIDER_UNAVAILABLE", error_message: "m" };
  assert.deepEqual(errorOf({ status: "failed", ...failure }), {
    code: "PROVIDER_UNAVAILABLE",
    message: "m",
  });
  assert.equal(errorOf({ status: "pending", ...failure }), null);
  assert.equal(errorOf({ status: "cancelled", ...failure }), null);
  const superseded = { status: "cancelled", error_code: "SUPERSEDED", error_message: "n" };
  assert.deepEqual(errorOf(superseded), { code: "SUPERSEDED", message: "n" });
});

Deno.test("whereToWatch() names the endpoint and the private topic of a job", () => {
  Deno.env.set("PUBLIC_URL", "https://api.example.com/");
  Deno.env.set("SITE_URL", "https://example.com");
  assert.deepEqual(whereToWatch("j"), {
    polling_endpoint: "https://api.example.com/functions/v1/job-status?job_id=j",
    websocket_channel: "job_status:j",
  });
});
