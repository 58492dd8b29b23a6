import assert from "node:assert/strict";
import { FatalError, RetryAfterError } from "./errors.ts";
import { openQueue } from "./real_queue.ts";
import { type AnyContext, openWorker } from "./real_worker.ts";

const circle: Record<string, unknown> = {};
circle.itself = circle;

/** Whatever is asked of it throws. */
const unreadable = (target: object) =>
  new Proxy(target, {
    get: (_, name) => {
      if (name === "then") return undefined;
      throw new Error("unreadable");
    },
    ownKeys: () => {
      throw new Error("unreadable");
    },
  });

/** What a handler leaves behind, and what is recorded of it. */
const odd: Record<
  string,
  [run: (ctx: AnyContext) => unknown, status: string, code: string | null]
> = {
  "a result with NUL": [() => ({ text: "a\0b" }), "failed", "INVALID_RESULT"],
  "a result with half a character": [() => "\ud83d", "failed", "INVALID_RESULT"],
  "a result with a bigint": [() => ({ views: 7n }), "failed", "INVALID_RESULT"],
  "a result that contains itself": [() => circle, "failed", "INVALID_RESULT"],
  "a result too large": [() => "x".repeat(300_000), "failed", "RESULT_TOO_LARGE"],
  "a result of too many digits": [
    () => Array.from({ length: 1_000 }, () => 1e308),
    "failed",
    "RESULT_TOO_LARGE",
  ],
  "a checkpoint of too many digits": [
    (ctx) => ctx.saveCheckpoint(Array.from({ length: 1_000 }, () => 1e308)),
    "failed",
    "CHECKPOINT_TOO_LARGE",
  ],
  "a yield with too large a checkpoint": [
    (ctx) => ctx.yield("x".repeat(300_000)),
    "failed",
    "CHECKPOINT_TOO_LARGE",
  ],
  "a yield with NUL": [(ctx) => ctx.yield({ text: "\0" }), "failed", "INVALID_RESULT"],
  "a snooze for ever": [(ctx) => ctx.snooze(1e300), "failed", "INVALID_RESULT"],
  "a saved bigint": [(ctx) => ctx.saveCheckpoint({ at: 1n }), "failed", "INVALID_RESULT"],
  "a saved nothing": [(ctx) => ctx.saveCheckpoint(undefined), "failed", "INVALID_RESULT"],
  "a reason with NUL": [
    () => Promise.reject(new FatalError("PROVIDER_REJECTED", { message: "a\0b\ud83d" })),
    "failed",
    "PROVIDER_REJECTED",
  ],
  "a retry in the far future": [
    () => Promise.reject(new RetryAfterError("PROVIDER_UNAVAILABLE", 1e300)),
    "pending",
    "PROVIDER_UNAVAILABLE",
  ],
  "a thrown null": [() => Promise.reject(null), "pending", "HANDLER_ERROR"],
  "a thrown text": [() => Promise.reject("no"), "pending", "HANDLER_ERROR"],
  "a thrown circle, frozen": [
    () => Promise.reject(Object.freeze({ ...circle })),
    "pending",
    "HANDLER_ERROR",
  ],
  "an error with a huge message": [
    () => Promise.reject(new Error("x".repeat(5_000_000))),
    "pending",
    "HANDLER_ERROR",
  ],
  "an error that is its own cause": [
    () => {
      const error = new Error("round");
      error.cause = error;
      throw error;
    },
    "pending",
    "HANDLER_ERROR",
  ],
  "an error that cannot be read": [
    () => Promise.reject(unreadable(new Error("no"))),
    "pending",
    "HANDLER_ERROR",
  ],
  "a result that cannot be read": [() => unreadable({}), "failed", "INVALID_RESULT"],
  "not a number": [() => NaN, "completed", null],
  "a function": [() => () => {}, "completed", null],
  "nothing": [() => undefined, "completed", null],
  "progress with NUL": [(ctx) => ctx.progress(50, "a\0b"), "completed", null],
  "a checkpoint whose progress has NUL": [
    (ctx) => ctx.saveCheckpoint({ at: 1 }, { percent: 50, message: "a\0b" }),
    "completed",
    null,
  ],
  "a log line with NUL": [(ctx) => ctx.log.info("a\0b", { c: "d\0" }), "completed", null],
};

Deno.test("whatever a handler leaves behind, its job is recorded, and its neighbours with it", async () => {
  await using queue = await openQueue();
  const ids = new Map<string, string>();
  for (const name of Object.keys(odd)) ids.set(name, (await queue.add(1, { name }))[0]!);
  const plain = await queue.add(5, { name: "nothing" });
  const worker = openWorker(queue, async (ctx) => {
    await ctx.sleep(50);
    return await odd[ctx.params.name as string]![0](ctx);
  });
  const { failed } = await worker.run();
  assert.equal(failed, Object.values(odd).filter(([, status]) => status === "failed").length);
  for (const [name, [, status, code]] of Object.entries(odd)) {
    const row = await queue.row(ids.get(name)!);
    assert.deepEqual([row.status, row.error_code, row.crash_count], [status, code, 0], name);
  }
  for (const id of plain) assert.equal((await queue.row(id)).status, "completed");
});
