/** What a worker records of an attempt, and what its log says. */
import assert from "node:assert/strict";
import { FatalError, RetryableError } from "./errors.ts";
import { memoryWorker } from "./memory_worker.ts";
import { claimedJob, settled } from "./testing.ts";

Deno.test("params that do not fit are fatal, and so is a result that does not", async () => {
  let runs = 0;
  const { clock, store, worker, add } = memoryWorker(() => {
    runs += 1;
    return Promise.resolve({ ok: "yes" } as unknown as { ok: boolean });
  });
  const bad = store.add(claimedJob({ params: { name: 7 } }));
  const good = add();
  worker.run();
  await clock.advance(50);
  assert.equal(bad.failure?.error_code, "INVALID_PARAMS");
  assert.equal(good.failure?.error_code, "INVALID_RESULT");
  assert.deepEqual([bad.status, good.status, runs], ["failed", "failed", 1]);
});

Deno.test("errors are fatal or retryable as the handler says, and counted so", async () => {
  const { clock, worker, store, add } = memoryWorker((ctx) => {
    if (ctx.params.name === "fatal") throw new FatalError("PROVIDER_REJECTED");
    if (ctx.params.name === "retry") throw new RetryableError("PROVIDER_UNAVAILABLE");
    throw new Error("unknown: token=abc123");
  });
  const [fatal, retry, unknown] = ["fatal", "retry", "unknown"].map(add);
  const life = worker.run();
  await clock.advance(20_000);
  assert.deepEqual([fatal!.failure!.retryable, retry!.failure!.retryable], [false, true]);
  assert.equal(unknown!.failure!.error_code, "HANDLER_ERROR");
  assert.equal(unknown!.failure!.retryable, true);
  assert.doesNotMatch(unknown!.failure!.error_message, /abc123/);
  assert.equal(store.logs.filter((line) => line.message === "Attempt failed").length, 3);
  const counts = await life;
  assert.deepEqual([counts.failed, counts.retried], [1, 2]);
});

Deno.test("whatever a handler throws, its job fails and its neighbour goes on", async () => {
  const { clock, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(100);
    if (ctx.params.name === "odd") throw Object.create(null);
    return { ok: true };
  });
  const [odd, good] = ["odd", "good"].map(add);
  worker.run();
  await clock.advance(500);
  assert.deepEqual([odd!.failure?.error_code, good!.status], ["HANDLER_ERROR", "completed"]);
});

Deno.test("a log line of a handler is stored before the job ends, and redacted", async () => {
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    ctx.log.info("Using Bearer ya29.secret-token", { access_token: "hidden", page: 3 });
    return Promise.resolve({ ok: true });
  });
  add();
  worker.run();
  await clock.advance(50);
  await settled();
  assert.deepEqual(store.logs.map(({ log_level, metadata }) => ({ log_level, metadata })), [
    { log_level: "info", metadata: { access_token: "[redacted]", page: 3 } },
  ]);
  assert.doesNotMatch(JSON.stringify(store.logs), /ya29|hidden/);
});

Deno.test("why an attempt failed stands in the log also when its handler has filled it", async () => {
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    for (let n = 0; n < 1_500; n += 1) ctx.log.debug(`line ${n}`);
    throw new FatalError("PROVIDER_REJECTED");
  });
  add();
  worker.run();
  await clock.advance(100);
  assert.deepEqual(store.logs.slice(-2).map(({ message }) => message.slice(0, 14)), [
    "Log truncated:",
    "Attempt failed",
  ]);
});
