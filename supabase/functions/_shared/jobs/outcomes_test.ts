import assert from "node:assert/strict";
import { PostgrestError } from "@supabase/postgrest-js";
import { AppError, errors } from "../errors.ts";
import {
  ProviderError,
  type ProviderErrorClass,
  providerOutcomes,
} from "../platforms/provider_error.ts";
import { ConfigurationError } from "../read_env.ts";
import { FatalError, JobAborted, RetryAfterError, Snooze, WaitForChildren } from "./errors.ts";
import { outcomeOfError } from "./outcomes.ts";

function provider(kind: ProviderErrorClass, retryAfterMs?: number): ProviderError {
  return new ProviderError({
    provider: "youtube",
    httpStatus: 400,
    code: "x",
    reason: "someReason",
    message: "what the provider wrote",
    class: kind,
    retryAfterMs,
  });
}

function failureOf(error: unknown) {
  const outcome = outcomeOfError(error);
  assert.ok(outcome.kind === "failed", `outcome ${outcome.kind}`);
  return outcome;
}

Deno.test("every class of provider failure has its code, and says whether to try again", () => {
  for (const [kind, expected] of Object.entries(providerOutcomes)) {
    const { code, retryable, message } = failureOf(provider(kind as ProviderErrorClass));
    assert.deepEqual({ code, retryable }, expected);
    assert.doesNotMatch(message, /what the provider wrote/);
  }
});

Deno.test("Retry-After is taken as it is", () => {
  assert.equal(failureOf(provider("retry_after", 61_500)).retryAfterMs, 61_500);
  assert.equal(failureOf(new RetryAfterError("PROVIDER_RATE_LIMITED", 90)).retryAfterMs, 90);
  assert.equal(failureOf(new AppError("RATE_LIMITED", { retryAfter: 3 })).retryAfterMs, 3_000);
});

Deno.test("a used-up daily quota is final: no retry is scheduled before or after midnight", () => {
  const { code, retryable, retryAfterMs } = failureOf(provider("quota_daily", 3_600_000));
  assert.deepEqual([code, retryable, retryAfterMs], ["PROVIDER_QUOTA_EXCEEDED", false, undefined]);
});

Deno.test("a platform without its keys is not available for now; which are missing is said in our log only", () => {
  const { code, message, retryable, cause } = failureOf(
    new ConfigurationError("Not set: TIKTOK_CLIENT_KEY"),
  );
  assert.deepEqual([code, retryable], ["PLATFORM_DISABLED", true]);
  assert.equal(message, errors.PLATFORM_DISABLED.message);
  assert.match(cause!, /TIKTOK_CLIENT_KEY/);
});

Deno.test("our own errors are fatal below 500 and retryable from there", () => {
  assert.equal(failureOf(new AppError("SOCIAL_ACCOUNT_NOT_FOUND")).retryable, false);
  assert.equal(failureOf(new AppError("SERVICE_UNAVAILABLE")).retryable, true);
  assert.equal(failureOf(new FatalError("CONNECTION_REVOKED")).retryable, false);
});

Deno.test("an error of the database keeps its registered code, and LEASE_LOST ends the attempt", () => {
  const refused = (hint: string) =>
    new PostgrestError({ message: "No.", details: "", hint, code: "PT409" });
  assert.deepEqual(outcomeOfError(refused("LEASE_LOST")), { kind: "lost" });
  assert.equal(failureOf(refused("CONNECTION_REVOKED")).code, "CONNECTION_REVOKED");
  const down = new PostgrestError({ message: "down", details: "", hint: "", code: "PGRST002" });
  assert.equal(failureOf(down).retryable, true);
});

Deno.test("an unknown exception is retryable, and what it said is for our log only", () => {
  const { code, retryable, message, cause } = failureOf(new Error("connect 10.0.0.7:5432"));
  assert.deepEqual([code, retryable], ["HANDLER_ERROR", true]);
  assert.equal(message, errors.HANDLER_ERROR.message);
  assert.match(cause!, /10\.0\.0\.7/);
  assert.equal(failureOf("just a string").message, errors.HANDLER_ERROR.message);
});

Deno.test("what cannot even be looked at is an unknown exception", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.equal(failureOf(proxy).code, "HANDLER_ERROR");
});

Deno.test("a message is cut to what the database can store", () => {
  const told = (message: string) => failureOf(new FatalError("PROVIDER_REJECTED", { message }));
  const cut = told("x".repeat(499) + "\u{1F600} and more").message;
  assert.ok(cut.isWellFormed() && cut.length === 500, "no half of an emoji at the end");
  assert.equal(told("nothing\0 here").message, "nothing here");
});

Deno.test("a snooze gives the job back later, an abort by its reason", () => {
  assert.deepEqual(outcomeOfError(new Snooze(5_000, { at: 1 })), {
    kind: "yielded",
    delayMs: 5_000,
    checkpoint: { at: 1 },
  });
  assert.equal(outcomeOfError(new JobAborted("shutdown")).kind, "yielded");
  assert.equal(outcomeOfError(new JobAborted("cancelled")).kind, "cancelled");
  assert.equal(outcomeOfError(new JobAborted("lease_lost")).kind, "lost");
});

Deno.test("a job that waits for its children says what a failed one means, and what comes then", () => {
  assert.deepEqual(outcomeOfError(new WaitForChildren()), {
    kind: "waiting",
    onChildFailure: "partial",
    whenDone: "complete",
    checkpoint: undefined,
  });
  const options = { onChildFailure: "fail_fast", whenDone: "resume", checkpoint: 1 } as const;
  assert.deepEqual(outcomeOfError(new WaitForChildren(options)), { kind: "waiting", ...options });
});
