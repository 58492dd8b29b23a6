/** Jobs that say in everything they write which attempt wrote it: by its fencing token. */
import { z } from "zod";
import { child } from "../../functions/_shared/jobs/children.ts";
import { defineJob, type RunnableJob } from "../../functions/_shared/jobs/define_job.ts";
import { FatalError, RetryableError } from "../../functions/_shared/jobs/errors.ts";
import type { Lease } from "../../functions/_shared/jobs/job_store.ts";

const token = z.number();
const summary = z.object({
  total: z.number(),
  completed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
});

const mark = ({ fencing_token }: Lease, text: string) => `${text} #${fencing_token}`;

const shortOf = (type: string) =>
  defineJob({
    type,
    params: z.object({ n: z.number(), ms: z.number() }),
    checkpoint: z.object({ token }),
    result: z.object({ token }),
    async run(ctx) {
      await ctx.sleep(ctx.params.ms);
      ctx.progress(50, mark(ctx.lease, "half"));
      return { token: ctx.lease.fencing_token };
    },
  });

const short = shortOf("chaos_short");

/** Says nothing, so that its start is only written for those who ask; some outlive their lease. */
const silent = defineJob({
  type: "chaos_silent",
  params: z.object({ n: z.number(), ms: z.number() }),
  checkpoint: z.never(),
  result: z.null(),
  async run(ctx) {
    await ctx.sleep(ctx.params.ms);
    return null;
  },
});

/**
 * Longer than a lease, and then one write of a kind: what a processor does that was frozen meanwhile
 * and wakes up believing the job is still its own.
 */
const slow = defineJob({
  type: "chaos_slow",
  params: z.object({
    n: z.number(),
    ms: z.number(),
    then: z.enum(["complete", "fail", "yield", "checkpoint", "progress"]),
  }),
  checkpoint: z.object({ token }),
  result: z.object({ token }),
  async run(ctx) {
    const written = { token: ctx.lease.fencing_token };
    if (ctx.checkpoint !== null) return written;
    await ctx.sleep(ctx.params.ms);
    switch (ctx.params.then) {
      case "fail":
        throw new FatalError("PROVIDER_REJECTED");
      case "yield":
        return ctx.yield(written);
      case "checkpoint":
        await ctx.saveCheckpoint(written);
        break;
      case "progress":
        ctx.progress(70, mark(ctx.lease, "slept"));
        ctx.log.info(mark(ctx.lease, "slept"));
        await ctx.sleep(500);
    }
    return written;
  },
});

/** Goes on from step to step over slices, and loses none. */
const sliced = (type: string) =>
  defineJob({
    type,
    params: z.object({
      n: z.number(),
      steps: z.number(),
      step_ms: z.number(),
      slice: z.number(),
    }),
    checkpoint: z.object({ token, step: z.number() }),
    result: z.object({ token, steps: z.number() }),
    async run(ctx) {
      const { steps, step_ms, slice } = ctx.params;
      const from = ctx.checkpoint?.step ?? 0;
      for (let step = from; step < steps; step++) {
        if (step - from === slice || ctx.remaining() === 0) ctx.yield();
        await ctx.sleep(step_ms);
        ctx.progress(Math.floor(99 * step / steps), mark(ctx.lease, `step ${step}`));
        ctx.log.info(mark(ctx.lease, `step ${step}`));
        await ctx.saveCheckpoint({ token: ctx.lease.fencing_token, step: step + 1 });
      }
      return { token: ctx.lease.fencing_token, steps };
    },
  });

/** Fails so many times that may be retried, and then for good or not at all. */
const flaky = defineJob({
  type: "chaos_flaky",
  params: z.object({ n: z.number(), failures: z.number(), is_fatal: z.boolean(), ms: z.number() }),
  checkpoint: z.object({ token, failures: z.number() }),
  result: z.object({ token }),
  async run(ctx) {
    const failures = ctx.checkpoint?.failures ?? 0;
    await ctx.sleep(ctx.params.ms);
    if (failures < ctx.params.failures) {
      await ctx.saveCheckpoint({ token: ctx.lease.fencing_token, failures: failures + 1 });
      throw new RetryableError("PROVIDER_UNAVAILABLE", { message: mark(ctx.lease, "again") });
    }
    if (ctx.params.is_fatal) throw new FatalError("PROVIDER_REJECTED");
    return { token: ctx.lease.fencing_token };
  },
});

/** Creates its children in two goes, with room to die before, between and after. */
const batch = defineJob({
  type: "chaos_batch",
  params: z.object({
    n: z.number(),
    children: z.number(),
    failing: z.number(),
    on_child_failure: z.enum(["partial", "fail_fast"]),
    when_done: z.enum(["complete", "resume"]),
    nested: z.boolean(),
    ms: z.number(),
  }),
  checkpoint: z.object({ token, phase: z.number() }),
  result: z.object({ token, children: summary }),
  async run(ctx) {
    const { params } = ctx;
    const phase = ctx.checkpoint?.phase ?? 0;
    const at = (next: number) => ({ token: ctx.lease.fencing_token, phase: next });
    if (phase === 2) {
      await ctx.sleep(params.ms);
      return { token: ctx.lease.fencing_token, children: await ctx.children() };
    }
    const half = Math.ceil(params.children / 2);
    const wanted = Array.from({ length: params.children }, (_, n) => childOf(params, n));
    if (phase === 0) {
      await ctx.sleep(params.ms);
      await ctx.createChildren(wanted.slice(0, half), { checkpoint: at(1) });
    }
    await ctx.sleep(params.ms);
    await ctx.createChildren(wanted.slice(half));
    return ctx.waitForChildren({
      onChildFailure: params.on_child_failure,
      whenDone: params.when_done,
      checkpoint: at(2),
    });
  },
});

type BatchParams = z.infer<typeof batch.spec.params>;

function childOf(params: BatchParams, n: number) {
  const key = `${n}`;
  if (params.nested && n === 0) {
    const inner = { ...params, children: 3, failing: 0, nested: false };
    return { job_type: "chaos_batch", params: { ...inner }, key };
  }
  const isFailing = n >= params.children - params.failing;
  if (isFailing) return child(flaky, { n, failures: 1, is_fatal: true, ms: 20 }, { key });
  if (n % 3 === 0) {
    return child(slicedJob, { n, steps: 3, step_ms: 40, slice: 2 }, { key });
  }
  return child(short, { n, ms: 10 + n }, { key });
}

const slicedJob = sliced("chaos_sliced");

/** Every kind of job of this test; `self_test` is left to the real processor. */
export const chaosJobs: readonly RunnableJob<unknown>[] = [
  short,
  silent,
  shortOf("chaos_rated"),
  slow,
  slicedJob,
  sliced("chaos_fragile"),
  flaky,
  batch,
];
