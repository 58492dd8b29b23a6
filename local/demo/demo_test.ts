import { strict as assert } from "node:assert";
import { createClient } from "@supabase/supabase-js";
import { DemoError } from "./demo_error.ts";
import { watchJob } from "./watch.ts";

const main = new URL("main.ts", import.meta.url).pathname;

async function runDemo(stackFile: string): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", main],
    env: { STREAMVIBE_STACK: stackFile },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** A server that has job-status and nothing else: no Realtime. */
function silentStack(answers: { status: string; percent: number; error?: string }[]) {
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (!request.url.includes("/functions/v1/job-status")) {
      return new Response(null, { status: 404 });
    }
    const answer = answers[Math.min(asked++, answers.length - 1)];
    return Response.json({
      success: true,
      job: {
        status: answer?.status,
        progress: { percent: answer?.percent, message: null },
        seq: Math.min(asked, answers.length),
        error: answer?.error ? { code: answer.error, message: "It broke" } : null,
        result: answer?.status === "completed"
          ? {
            total: 2,
            new_items: 2,
            updated_items: 0,
            unchanged: 0,
            removed: 0,
            missing: 0,
            failed_count: 0,
            pages: 1,
          }
          : null,
      },
    });
  });
  const client = createClient(`http://127.0.0.1:${server.addr.port}`, "sb_publishable_x", {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client.removeAllChannels();
      await client.realtime.disconnect();
      await server.shutdown();
    },
  };
}

const job = { id: "job-1", channel: "job_status:job-1" };
const quick = { quietMs: 20, patienceMs: 10_000 };
// A realtime client that cannot connect goes on trying by timers of its own.
const sloppy = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "A job is followed by asking when Realtime is silent",
  ...sloppy,
  fn: async () => {
    await using stack = silentStack([
      { status: "pending", percent: 0 },
      { status: "processing", percent: 40 },
      { status: "completed", percent: 100 },
    ]);
    const seen: number[] = [];
    const watched = await watchJob(stack.client, job, (percent) => seen.push(percent), quick);
    assert.deepEqual(seen, [0, 40, 100]);
    assert.equal(watched.result.total, 2);
    assert.deepEqual([watched.pushed, watched.asked, watched.firstPush], [0, 3, null]);
  },
});

Deno.test({
  name: "A job that failed, and one that does not move, end the demo with a sentence",
  ...sloppy,
  fn: async () => {
    await using failed = silentStack([{ status: "failed", percent: 10, error: "WORKER_LOST" }]);
    await assert.rejects(
      watchJob(failed.client, job, () => {}, quick),
      (error) => error instanceof DemoError && error.message.includes("WORKER_LOST: It broke"),
    );
    await using stuck = silentStack([{ status: "pending", percent: 0 }]);
    await assert.rejects(
      watchJob(stuck.client, job, () => {}, { ...quick, patienceMs: 300 }),
      (error) => error instanceof DemoError && error.message.includes("nothing has changed"),
    );
  },
});

Deno.test("Without its stack the demo says so in one line and fails", async () => {
  const { code, err } = await runDemo("/nowhere/stack.json");
  assert.equal(code, 1);
  assert.match(err, /does not run/);
  assert.equal(err.trim().split("\n").length, 1);
});

const stackFile = Deno.env.get("STREAMVIBE_STACK");

Deno.test({
  name: "The demo shows live progress and what was stored; a second run finds nothing new",
  ignore: stackFile === undefined,
  fn: async () => {
    const first = await runDemo(stackFile ?? "");
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /Profile .+ \/darya-lu-xing/);
    for (const label of ["YouTube", "Instagram", "TikTok"]) {
      assert.match(first.out, new RegExp(`✔ ${label} .*connected by OAuth`));
      // A bar moves between its beginning and its end.
      assert.match(first.out, new RegExp(`    ${label} +█+░+ +\\d+ %  \\d+ of \\d+ items`));
      assert.match(first.out, new RegExp(`    ${label} +█{28} 100 %`));
    }
    assert.match(first.out, /YouTube +250 videos on 5 pages: 250 new, 0 unchanged/);
    assert.match(first.out, /Instagram +120 posts on 3 pages: 120 new, 0 unchanged/);
    assert.match(first.out, /TikTok +250 videos on \d+ pages: 250 new, 0 unchanged/);
    assert.match(first.out, /Progress came from Realtime/);
    assert.match(first.out, /620 content items/);
    assert.match(first.out, /by platform: 250 YouTube · 120 Instagram · 250 TikTok/);
    assert.match(first.out, /search: “.+” finds \d+ items/);
    assert.ok(!first.out.includes("\x1b"), "no colour codes in a pipe");
    const second = await runDemo(stackFile ?? "");
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, /Profile +is set up; its address is still \/darya-lu-xing/);
    assert.match(second.out, /YouTube .*: 0 new, 250 unchanged/);
    assert.match(second.out, /Instagram .*: 0 new, 120 unchanged/);
    assert.match(second.out, /TikTok .*: 0 new, 250 unchanged/);
    assert.match(second.out, /620 content items/);
  },
});
