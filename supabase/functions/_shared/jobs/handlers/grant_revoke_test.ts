import assert from "node:assert/strict";
import type { OrphanedGrant } from "../../platforms/orphaned_grants.ts";
import { ProviderError } from "../../platforms/provider_error.ts";
import { runInMemory } from "../testing.ts";
import { grantRevoke, type GrantRevokeDeps } from "./grant_revoke.ts";

const connection_id = crypto.randomUUID();
const tokens = { accessToken: "at", refreshToken: "rt" };

type Revoke = GrantRevokeDeps["platforms"][string]["oauth"]["revoke"];

/** Runs the job; says how it ended, and what happened in which order. */
async function runWith(revoke: Revoke, grant: OrphanedGrant | null = { platform: "p", tokens }) {
  const happened: unknown[] = [];
  const run = await runInMemory(grantRevoke, {
    params: { connection_id },
    deps: {
      grants: {
        read(id) {
          happened.push(["read", id]);
          return Promise.resolve(grant);
        },
        forget(id) {
          happened.push(["forget", id]);
          return Promise.resolve();
        },
      },
      platforms: {
        p: {
          oauth: {
            revoke(...given) {
              happened.push(["revoke", given[0]]);
              return revoke(...given);
            },
          },
        },
      },
    },
  });
  return { ...run, happened };
}

const read = ["read", connection_id];
const forget = ["forget", connection_id];

Deno.test("grant_revoke tells the platform first and forgets the tokens then", async () => {
  const { outcome, happened } = await runWith(() => Promise.resolve({ revoked: true }));
  assert.deepEqual(outcome, { kind: "completed", result: { outcome: "revoked" } });
  assert.deepEqual(happened, [read, ["revoke", tokens], forget]);
});

Deno.test("grant_revoke forgets what only the creator can end", async () => {
  const { outcome, happened } = await runWith(() => Promise.resolve({ revoked: false }));
  assert.deepEqual(outcome, { kind: "completed", result: { outcome: "not_supported" } });
  assert.deepEqual(happened.at(-1), forget);
});

Deno.test("grant_revoke asks no platform about a grant that is forgotten or lives on", async () => {
  const { outcome, happened } = await runWith(() => Promise.resolve({ revoked: true }), null);
  assert.deepEqual(outcome, { kind: "completed", result: { outcome: "forgotten" } });
  assert.deepEqual(happened, [read, forget]);
});

Deno.test("grant_revoke keeps the tokens and tries again when the platform is down", async () => {
  const down = new ProviderError({
    provider: "p",
    httpStatus: 503,
    code: "503",
    reason: "http_503",
    message: "down",
    class: "retry_transient",
  });
  const { outcome, happened, logs } = await runWith(() => Promise.reject(down));
  assert.equal(outcome.kind === "failed" && outcome.retryable, true);
  assert.deepEqual(happened, [read, ["revoke", tokens]]);
  assert.doesNotMatch(JSON.stringify([outcome, logs]), /"(at|rt)"/);
});

Deno.test("grant_revoke fails for a platform that nobody knows any more, and keeps the tokens", async () => {
  const gone = { platform: "gone", tokens };
  const { outcome, happened } = await runWith(() => Promise.resolve({ revoked: true }), gone);
  assert.equal(outcome.kind, "failed");
  assert.deepEqual(happened, [read]);
});
