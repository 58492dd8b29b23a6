import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { disconnect, type DisconnectDeps } from "./disconnect.ts";
import type { Claim, StoredTokens } from "./token_store.ts";

const account = { userId: "u", socialAccountId: "a" };

function tokensOf(version: number): StoredTokens {
  return {
    connection_id: "c",
    platform_name: "p",
    access_token: `at-${version}`,
    refresh_token: `rt-${version}`,
    token_expires_at: null,
    token_version: version,
    status: "active",
  };
}

/** What happened, in order, and parts that make it happen. */
function scene(parts: { tokens?: (StoredTokens | null)[]; claims?: Claim[]; fails?: Error } = {}) {
  const happened: string[] = [];
  const toRead = [...parts.tokens ?? [tokensOf(1)]];
  const claims = [...parts.claims ?? []];
  const deps: DisconnectDeps = {
    store: {
      read() {
        const tokens = toRead.shift();
        return tokens
          ? Promise.resolve(tokens)
          : Promise.reject(new AppError("SOCIAL_ACCOUNT_NOT_FOUND"));
      },
      claim: () => Promise.resolve(claims.shift() ?? "claimed"),
    },
    platforms: {
      p: {
        oauth: {
          revoke({ refreshToken }) {
            happened.push(`revoke ${refreshToken}`);
            return parts.fails ? Promise.reject(parts.fails) : Promise.resolve({ revoked: true });
          },
        },
      },
    },
    remove(_account, version, revoked) {
      happened.push(`remove ${version} ${revoked}`);
      return Promise.resolve(toRead.length === 0);
    },
    sleep() {
      happened.push("wait");
      return Promise.resolve();
    },
  };
  const lines: string[] = [];
  const log = createLogger({}, (line) => lines.push(line));
  return { happened, lines, run: () => disconnect(account, log, deps) };
}

Deno.test("disconnect() tells the provider first and removes the account then", async () => {
  const { happened, run } = scene();
  assert.deepEqual(await run(), { revoked: true });
  assert.deepEqual(happened, ["revoke rt-1", "remove 1 true"]);
});

Deno.test("disconnect() waits for a refresh that is under way", async () => {
  const { happened, run } = scene({ claims: ["busy", "busy", "claimed"] });
  await run();
  assert.deepEqual(happened, ["wait", "wait", "revoke rt-1", "remove 1 true"]);
});

Deno.test("disconnect() does not wait for ever", async () => {
  const { happened, run } = scene({ claims: Array<Claim>(100).fill("busy") });
  assert.deepEqual(await run(), { revoked: true });
  assert.equal(happened.filter((what) => what === "wait").length, 20);
});

Deno.test("disconnect() ends the tokens that came meanwhile, too", async () => {
  const { happened, run } = scene({ tokens: [tokensOf(1), tokensOf(2)] });
  await run();
  assert.deepEqual(happened, ["revoke rt-1", "remove 1 true", "revoke rt-2", "remove 2 true"]);
});

Deno.test("disconnect() is not kept from it by a provider, and does not tell the log a token", async () => {
  const { happened, lines, run } = scene({ fails: new Error("down") });
  assert.deepEqual(await run(), { revoked: false });
  assert.deepEqual(happened, ["revoke rt-1", "remove 1 false"]);
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(), /[ar]t-1/);
});

Deno.test("disconnect() has nothing to revoke where the grant or the connection is gone", async () => {
  const ended = { ...tokensOf(1), access_token: null, refresh_token: null, status: "disconnected" };
  const gone = scene({ tokens: [ended] });
  assert.deepEqual(await gone.run(), { revoked: true });
  const none = scene({ tokens: [null] });
  assert.deepEqual(await none.run(), { revoked: false });
  assert.deepEqual([gone.happened, none.happened], [["remove 1 true"], ["remove null false"]]);
});
