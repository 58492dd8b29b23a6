import assert from "node:assert/strict";
import { z } from "zod";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { FakeClock, runInMemory } from "./testing.ts";

type Context = JobContext<{ count: number }, { at: number }>;

const counting = defineJob({
  type: "counting",
  params: z.object({ count: z.int() }),
  checkpoint: z.object({ at: z.number() }),
  result: z.object({ counted: z.number() }),
  async run(ctx: Context, { visit }: { visit(n: number): void }) {
    for (let n = (ctx.checkpoint?.at ?? 0) + 1; n <= ctx.params.count; n += 1) {
      visit(n);
      ctx.progress(100 * n / ctx.params.count, `${n}`);
      await ctx.saveCheckpoint({ at: n });
    }
    ctx.log.info("Counted", { count: ctx.params.count });
    return { counted: ctx.params.count };
  },
});

Deno.test("a handler runs in memory with typed params, checkpoint, result and plain dependencies", async () => {
  const visited: number[] = [];
  const run = await runInMemory(counting, {
    params: { count: 3 },
    deps: { visit: (n) => visited.push(n) },
  });
  assert.deepEqual(run.outcome, { kind: "completed", result: { counted: 3 } });
  assert.deepEqual(visited, [1, 2, 3]);
  assert.deepEqual(run.checkpoints, [{ at: 1 }, { at: 2 }, { at: 3 }]);
  assert.equal(run.progress.at(-1)!.percent, 100);
  assert.deepEqual(run.logs.map((line) => line.message), ["Counted"]);
});

Deno.test("a handler starts from its checkpoint", async () => {
  const visited: number[] = [];
  const deps = { visit: (n: number) => void visited.push(n) };
  await runInMemory(counting, { params: { count: 3 }, checkpoint: { at: 2 }, deps });
  assert.deepEqual(visited, [3]);
});

Deno.test("a checkpoint that this release cannot read means a fresh start and a line in the log", async () => {
  const visited: number[] = [];
  const old = { page: "of an older release" } as unknown as { at: number };
  const run = await runInMemory(counting, {
    params: { count: 2 },
    checkpoint: old,
    deps: { visit: (n) => visited.push(n) },
  });
  assert.deepEqual(visited, [1, 2]);
  assert.equal(run.logs[0]!.log_level, "warning");
});

Deno.test("params that are not valid name the field and not its value", async () => {
  const params = { count: "secret-value" as unknown as number };
  const { outcome } = await runInMemory(counting, { params, deps: { visit() {} } });
  assert.equal(outcome.kind === "failed" && outcome.code, "INVALID_PARAMS");
  assert.match(JSON.stringify(outcome), /count/);
  assert.doesNotMatch(JSON.stringify(outcome), /secret-value/);
});

Deno.test("ctx.sleep() ends with the abort reason as soon as the signal fires", async () => {
  const clock = new FakeClock();
  const sleeping = defineJob({
    type: "sleeping",
    params: z.object({}),
    checkpoint: z.object({}),
    result: z.null(),
    async run(ctx) {
      await ctx.sleep(60_000);
      return null;
    },
  });
  const { outcome } = await runInMemory(sleeping, {
    params: {},
    deps: undefined,
    clock,
    started: ({ abort }) => abort("cancelled"),
  });
  assert.deepEqual(outcome, { kind: "cancelled" });
});

Deno.test("a result is asked whether it is valid, also after one that was nothing", () => {
  const common = {
    type: "t",
    params: z.object({}),
    checkpoint: z.never(),
    run: () => Promise.resolve(null as never),
  };
  const nothing = defineJob({ ...common, result: z.null() });
  const madeOfNothing = defineJob({ ...common, result: z.null().transform(() => "made") });
  for (let n = 0; n < 2; n += 1) {
    assert.equal(nothing.parseResult(null), null);
    assert.throws(() => nothing.parseResult(undefined), { code: "INVALID_RESULT" });
    assert.equal(madeOfNothing.parseResult(null), "made");
    assert.throws(() => counting.parseResult(null), { code: "INVALID_RESULT" });
  }
});
