import assert from "node:assert/strict";
import { AppError } from "../../errors.ts";
import { ProviderError } from "../../platforms/provider_error.ts";
import { runInMemory } from "../testing.ts";
import { tokenRefresh } from "./token_refresh.ts";

const params = { social_account_id: crypto.randomUUID(), token_version: 3 };

async function outcomeOf(renew: (account: string, version: number) => Promise<boolean>) {
  const run = await runInMemory(tokenRefresh, { params, deps: { connections: { renew } } });
  return run.outcome;
}

Deno.test("token_refresh renews the tokens it was made for", async () => {
  const asked: unknown[] = [];
  const outcome = await outcomeOf((account, version) => {
    asked.push([account, version]);
    return Promise.resolve(true);
  });
  assert.deepEqual(asked, [[params.social_account_id, 3]]);
  assert.deepEqual(outcome, { kind: "completed", result: { outcome: "renewed" } });
});

Deno.test("token_refresh says that somebody else was there before", async () => {
  const outcome = await outcomeOf(() => Promise.resolve(false));
  assert.deepEqual(outcome, { kind: "completed", result: { outcome: "renewed_before" } });
});

for (const code of ["CONNECTION_REVOKED", "SOCIAL_ACCOUNT_NOT_FOUND"] as const) {
  Deno.test(`token_refresh takes ${code} for an answer`, async () => {
    const outcome = await outcomeOf(() => Promise.reject(new AppError(code)));
    assert.deepEqual(outcome, { kind: "completed", result: { outcome: "ended" } });
  });
}

Deno.test("token_refresh tries again when the platform is down", async () => {
  const down = new ProviderError({
    provider: "p",
    httpStatus: 503,
    code: "503",
    reason: "http_503",
    message: "down",
    class: "retry_transient",
  });
  const outcome = await outcomeOf(() => Promise.reject(down));
  assert.deepEqual([outcome.kind, outcome.kind === "failed" && outcome.retryable], [
    "failed",
    true,
  ]);
});
