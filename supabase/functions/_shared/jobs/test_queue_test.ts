import assert from "node:assert/strict";
import { z } from "zod";
import { child } from "./children.ts";
import type { JobContext } from "./context.ts";
import { defineJob, type RunnableJob } from "./define_job.ts";
import { RetryableError, RetryAfterError } from "./errors.ts";
import { TestQueue } from "./testing.ts";

type Context = JobContext<{ name: string }, { at: number }>;

const shared = {
  params: z.object({ name: z.string() }),
  checkpoint: z.object({ at: z.number() }),
  result: z.object({ done: z.string() }),
};

function queueOf(
  handlers: Record<string, (ctx: Context) => Promise<{ done: string }>>,
  options: { sliceMs?: number; maxRuns?: number } = {},
) {
  const kinds = Object.entries(handlers).map(([type, run]) => defineJob({ type, ...shared, run }));
  const queue = new TestQueue(kinds as RunnableJob<undefined>[], undefined, options);
  const add = (name: string, type = kinds[0]?.type ?? "") =>
    queue.add({ type, params: shared.params }, { name });
  return { queue, add };
}

Deno.test("drain() runs retries at their time, without waiting for it", async () => {
  let attempts = 0;
  const { queue, add } = queueOf({
    async shaky(ctx) {
      await ctx.sleep(3_600_000);
      attempts += 1;
      if (attempts === 1) throw new RetryAfterError("PROVIDER_UNAVAILABLE", 7_200_000);
      if (attempts === 2) throw new RetryableError("PROVIDER_UNAVAILABLE");
      return { done: ctx.params.name };
    },
  });
  const row = add("a");
  await queue.drain();
  assert.deepEqual([row.status, row.result, row.job.retry_count], ["completed", { done: "a" }, 2]);
  assert.equal(queue.runs[1]!.startedAt, 3 * 3_600_000);
});

Deno.test("drain() wakes what snoozes from where it was, and other jobs go on meanwhile", async () => {
  const order: string[] = [];
  const { queue, add } = queueOf({
    async patient(ctx) {
      await ctx.sleep(0);
      const at = ctx.checkpoint?.at ?? 0;
      order.push(`${ctx.params.name}${at}`);
      if (ctx.params.name === "slow" && at < 2) ctx.snooze(86_400_000, { at: at + 1 });
      return { done: `${at}` };
    },
  });
  const slow = add("slow");
  add("quick");
  await queue.drain();
  assert.deepEqual(order, ["slow0", "quick0", "slow1", "slow2"]);
  assert.deepEqual([slow.result, slow.job.retry_count], [{ done: "2" }, 0]);
  assert.equal(queue.clock.now(), 2 * 86_400_000);
});

Deno.test("drain() gives every slice its time", async () => {
  const { queue, add } = queueOf({
    async long(ctx) {
      for (let at = ctx.checkpoint?.at ?? 0; at < 10; at += 1) {
        if (ctx.remaining() === 0) ctx.yield({ at });
        await ctx.sleep(1_000);
      }
      return { done: "all" };
    },
  }, { sliceMs: 4_000 });
  const row = add("a");
  await queue.drain();
  assert.deepEqual(row.result, { done: "all" });
  assert.equal(queue.runs.length, 3);
});

Deno.test("drain() runs children of other types, and the parent once more when they have ended", async () => {
  const { queue, add } = queueOf({
    async parent(ctx) {
      if (ctx.checkpoint) {
        const results = await Array.fromAsync(ctx.childResults());
        const summary = await ctx.children();
        assert.deepEqual(summary, { total: 3, completed: 2, failed: 1, cancelled: 0 });
        return { done: results.map(({ key, error_code }) => error_code ?? key).join() };
      }
      const leaf = { type: "leaf", params: shared.params };
      const wanted = ["x", "y", "z"].map((name) => child(leaf, { name }, { key: name }));
      assert.deepEqual(await ctx.createChildren(wanted), { created: 3, joined: 0 });
      assert.deepEqual(await ctx.createChildren(wanted), { created: 0, joined: 3 });
      return ctx.waitForChildren({ whenDone: "resume", checkpoint: { at: 1 } });
    },
    async leaf(ctx) {
      await ctx.sleep(10);
      if (ctx.params.name === "y") throw new TypeError("broken");
      return { done: ctx.params.name };
    },
  });
  const row = add("a");
  await queue.drain();
  assert.deepEqual(row.result, { done: "x,HANDLER_ERROR,z" });
});

Deno.test("drain() says so when a job never comes to an end", async () => {
  const endless = queueOf({ endless: (ctx) => Promise.reject(ctx.yield()) }, { maxRuns: 20 });
  endless.add("a");
  await assert.rejects(endless.queue.drain(), /endless still goes on after 20 runs/);
  const stuck = queueOf({ stuck: () => new Promise(() => {}) });
  stuck.add("a");
  await assert.rejects(stuck.queue.drain(), /no timer brings/);
  const strange = queueOf({});
  strange.add("a", "strange");
  await assert.rejects(strange.queue.drain(), /No handler here does strange/);
});
