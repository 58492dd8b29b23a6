import assert from "node:assert/strict";
import * as z from "zod";
import { serveFake } from "../testing/fake_server.ts";
import { callProvider, type ProviderRequest } from "./http.ts";
import { parseRetryAfter } from "./http_fault.ts";
import { ProviderError } from "./provider_error.ts";

const Answer = z.object({ value: z.number() });

function call(url: string, options: Partial<ProviderRequest<{ value: number }>> = {}) {
  return callProvider({ provider: "p", url, schema: Answer, readFault: () => ({}), ...options });
}

async function faultOf(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

Deno.test("callProvider() returns a validated answer", async () => {
  await using server = serveFake(() => Response.json({ value: 1, more: "ignored" }));
  assert.deepEqual(await call(server.url), { value: 1 });
});

Deno.test("callProvider() drops what Postgres cannot store from text", async () => {
  const schema = z.object({ title: z.string() });
  const body = String.raw`{"title":"a\u0000b\ud83d"}`;
  await using server = serveFake(() => new Response(body));
  const answer = await callProvider({
    provider: "p",
    url: server.url,
    schema,
    readFault: () => ({}),
  });
  assert.equal(answer.title, "ab\ufffd");
});

for (
  const [what, response, reason, kind] of [
    ["truncated JSON", () => new Response('{"value":'), "invalid_json", "retry_transient"],
    ["HTML", () => new Response("<html>"), "invalid_json", "retry_transient"],
    ["an empty answer", () => new Response(""), "invalid_json", "retry_transient"],
    [
      "a strange answer",
      () => Response.json({ value: "1" }),
      "unexpected_response",
      "retry_transient",
    ],
    [
      "an answer that is too large",
      () => new Response("x".repeat(2000)),
      "response_too_large",
      "policy",
    ],
    ["500", () => new Response("oops", { status: 500 }), "http_500", "retry_transient"],
    ["503 with Retry-After", () => wait(503, "7"), "http_503", "retry_after"],
    ["429 with Retry-After", () => wait(429, "7"), "http_429", "retry_after"],
    ["429 without", () => new Response("", { status: 429 }), "http_429", "retry_after"],
    ["401", () => new Response("", { status: 401 }), "http_401", "reauth"],
    ["404", () => new Response("", { status: 404 }), "http_404", "not_found"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:9/"), "http_302", "invalid_input"],
  ] as const
) {
  Deno.test(`callProvider() turns ${what} into ${reason}, ${kind}`, async () => {
    await using server = serveFake(response);
    const error = await faultOf(call(server.url, { maxBytes: 1000 }));
    assert.deepEqual([error.reason, error.class], [reason, kind]);
    assert.equal(error.retryAfterMs, what.endsWith("with Retry-After") ? 7000 : undefined);
  });
}

Deno.test("callProvider() gives up on a provider that does not answer in time", async () => {
  await using server = serveFake(hang);
  const error = await faultOf(call(server.url, { timeoutMs: 30 }));
  assert.deepEqual([error.reason, error.class, error.httpStatus], [
    "timeout",
    "retry_transient",
    0,
  ]);
});

Deno.test("callProvider() gives up on an answer that never ends", async () => {
  await using server = serveFake((_, signal) =>
    new Response(
      new ReadableStream({
        start(stream) {
          stream.enqueue(new TextEncoder().encode("{"));
          signal.addEventListener("abort", () => stream.close());
        },
      }),
    )
  );
  assert.equal((await faultOf(call(server.url, { timeoutMs: 60 }))).reason, "timeout");
});

Deno.test("callProvider() calls a refused connection a network fault", async () => {
  assert.equal((await faultOf(call("http://127.0.0.1:9/"))).reason, "network");
});

Deno.test("callProvider() throws the caller's own reason when the caller aborts", async () => {
  await using server = serveFake(hang);
  const controller = new AbortController();
  const reason = new Error("job cancelled");
  setTimeout(() => controller.abort(reason), 20);
  await assert.rejects(
    call(server.url, { signal: controller.signal }),
    (error) => error === reason,
  );
});

Deno.test("callProvider() redacts what a provider says", async () => {
  await using server = serveFake(() => new Response("", { status: 400 }));
  const error = await faultOf(call(server.url, {
    readFault: () => ({ message: "bad token ya29.s3cr3t for s3cr3t@example.com" }),
  }));
  assert.ok(!error.message.includes("s3cr3t"), error.message);
});

Deno.test("parseRetryAfter() reads seconds and dates", () => {
  const now = Date.UTC(2026, 0, 1, 0, 0, 0);
  assert.equal(parseRetryAfter("120", now), 120_000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
  assert.equal(parseRetryAfter("Wed, 31 Dec 2025 23:00:00 GMT", now), 0);
  for (const nothing of [null, "", "soon", "-5", "1.5"]) {
    assert.equal(parseRetryAfter(nothing, now), undefined);
  }
});

function wait(status: number, seconds: string) {
  return new Response("", { status, headers: { "retry-after": seconds } });
}

function hang(_: unknown, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())));
}
