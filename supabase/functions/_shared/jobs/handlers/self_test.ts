import { z } from "zod";
import { child } from "../children.ts";
import type { JobContext } from "../context.ts";
import { defineJob } from "../define_job.ts";
import { FatalError, RetryableError, RetryAfterError } from "../errors.ts";

/** Users may start these, so each is bounded: time and writes of the job, and of its children together. */
const MAX_MS = 120_000;
const MAX_CHILD_STEPS = 1_000;
const RETRY_AFTER_MS = 1_000;

const params = z.strictObject({
  steps: z.int().min(1).max(100).default(5),
  step_ms: z.int().min(0).max(5_000).default(200),
  /** Ends the slice after this many steps. */
  yield_every: z.int().min(1).max(100).optional(),
  /** How an attempt fails, half-way. */
  fail: z.enum(["fatal", "retryable", "retry_after", "never"]).default("never"),
  /** How many attempts fail; all of them unless said. A manual retry is one more attempt. */
  fail_attempts: z.int().min(0).max(100).optional(),
  /** Children that have to end before the job's own steps. */
  children: z.int().min(0).max(100).default(0),
  child_steps: z.int().min(1).max(100).default(1),
  /** So many of the children fail. */
  failing_children: z.int().min(0).max(100).default(0),
  on_child_failure: z.enum(["fail_fast", "partial"]).default("partial"),
  /** `complete` leaves the rest to the engine: the job's own steps are not taken. */
  when_done: z.enum(["complete", "resume"]).default("resume"),
  /** Characters to fill the result with; more than 256 KB are refused when it is stored. */
  result_size: z.int().min(0).max(300_000).default(0),
})
  .refine((p) => p.steps * p.step_ms <= MAX_MS, { path: ["step_ms"] })
  .refine((p) => p.children * p.child_steps * p.step_ms <= MAX_MS, { path: ["children"] })
  .refine((p) => p.children * p.child_steps <= MAX_CHILD_STEPS, { path: ["child_steps"] });

const count = z.int().nonnegative();

const checkpoint = z.object({
  step: count,
  /** Attempts that have failed as they were asked to. */
  attempt: count.default(0),
  /** Starts of the handler, this one included. */
  slices: count.default(0),
  waited: z.boolean().default(false),
});

const result = z.object({
  steps: count,
  slices: count,
  children: z.object({ total: count, completed: count, failed: count, cancelled: count })
    .optional(),
  filling: z.string().optional(),
});

type Params = z.output<typeof params>;
type State = z.output<typeof checkpoint>;
type Context = JobContext<Params, State>;

const kind = { type: "self_test", params };

/**
 * Does nothing, in steps: shows progress, checkpoints, slices, failures and children at work without a
 * provider. For a doctor, a benchmark, the collections, and whoever wants to see what a job looks like.
 */
export const selfTest = defineJob({
  ...kind,
  checkpoint,
  result,
  async run(ctx: Context) {
    const { steps, step_ms, yield_every, children, result_size } = ctx.params;
    const before = ctx.checkpoint ?? { step: 0, attempt: 0, slices: 0, waited: false };
    let state = { ...before, slices: before.slices + 1 };
    if (children > 0 && !state.waited) await spread(ctx, state);
    while (state.step < steps) {
      await failIfAsked(ctx, state);
      await ctx.sleep(step_ms);
      state = { ...state, step: state.step + 1 };
      await ctx.saveCheckpoint(state, {
        percent: 1 + Math.floor(98 * state.step / steps),
        message: `Step ${state.step} of ${steps}`,
      });
      const isSliceOver = ctx.remaining() === 0 ||
        (state.step - before.step) % (yield_every ?? Infinity) === 0;
      if (isSliceOver && state.step < steps) ctx.yield();
    }
    ctx.log.info("Self test done", { steps, slices: state.slices });
    return {
      steps,
      slices: state.slices,
      ...(children > 0 && { children: await ctx.children() }),
      ...(result_size > 0 && { filling: "x".repeat(result_size) }),
    };
  },
});

/** Half-way, so that the next attempt has something to go on from, and something to do. */
async function failIfAsked(ctx: Context, state: State): Promise<void> {
  const { fail, fail_attempts = Infinity, steps } = ctx.params;
  if (fail === "never" || state.attempt >= fail_attempts || state.step < Math.floor(steps / 2)) {
    return;
  }
  await ctx.saveCheckpoint({ ...state, attempt: state.attempt + 1 });
  ctx.log.warning("Failing as asked", { fail });
  if (fail === "fatal") throw new FatalError("SELF_TEST_FAILED");
  if (fail === "retryable") throw new RetryableError("SELF_TEST_FAILED");
  throw new RetryAfterError("SELF_TEST_FAILED", RETRY_AFTER_MS);
}

async function spread(ctx: Context, state: State): Promise<never> {
  const { children, child_steps, step_ms, failing_children } = ctx.params;
  const wanted = Array.from({ length: children }, (_, n) =>
    child(kind, {
      steps: child_steps,
      step_ms,
      ...(n < failing_children && { fail: "fatal" as const }),
    }, { key: `${n + 1}` }));
  await ctx.createChildren(wanted);
  return ctx.waitForChildren({
    onChildFailure: ctx.params.on_child_failure,
    whenDone: ctx.params.when_done,
    checkpoint: { ...state, waited: true },
  });
}
