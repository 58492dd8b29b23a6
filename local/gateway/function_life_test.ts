import assert from "node:assert/strict";
import { join } from "node:path";
import { startGateway } from "./testing.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("past half of its life a process is replaced, finishes, and is ended in time", async () => {
  await using gateway = await startGateway({ limits: { wallClockMs: 6000 } });
  const whoAnswers = async () => (await fetch(`${gateway.url}/functions/v1/crash`)).json();
  const first = await whoAnswers();
  const endless = await fetch(`${gateway.url}/functions/v1/stream?endless`);
  const stream = endless.body!.pipeThrough(new TextDecoderStream()).getReader();
  await (await fetch(`${gateway.url}/functions/v1/background`)).body?.cancel();
  await (await fetch(`${gateway.url}/functions/v1/background/long`)).body?.cancel();
  assert.equal(await whoAnswers(), first);
  await pause(3500);
  assert.notEqual(await whoAnswers(), first, "another one answers");
  assert.match(String((await stream.read()).value), /^line/, "the old one finishes its request");
  assert.equal((await gateway.logged("beforeunload")).message, "beforeunload wall_clock");
  await assert.rejects(async () => {
    while (!(await stream.read()).done);
  });
  await gateway.logged("worker ended: wall_clock");
});

Deno.test("a process that is stuck is ended with all others", async () => {
  const gateway = await startGateway({ limits: { cpuMs: 60_000 } });
  const stuck = fetch(`${gateway.url}/functions/v1/endless`).then((response) => response.text());
  while (!gateway.functions.live().endless) await pause(20);
  const { pid } = gateway.functions.live().endless ?? { pid: 0 };
  await pause(100);
  await gateway[Symbol.asyncDispose]();
  assert.match(await stuck, /WORKER_ERROR/);
  assert.throws(() => Deno.kill(pid, "SIGKILL"));
});

Deno.test("an idle process is dropped early", async () => {
  await using gateway = await startGateway({ limits: { wallClockMs: 1000 } });
  await (await fetch(`${gateway.url}/functions/v1/background`)).body?.cancel();
  await gateway.logged("beforeunload early_drop");
  assert.deepEqual(gateway.functions.live(), {});
});

Deno.test("a process without requests gets beforeunload with termination when all ends", async () => {
  const gateway = await startGateway();
  await (await fetch(`${gateway.url}/functions/v1/background`)).body?.cancel();
  await gateway[Symbol.asyncDispose]();
  assert(gateway.logs.some(({ message }) => message === "beforeunload termination"));
});

Deno.test("a request without a response in time is 504", async () => {
  await using gateway = await startGateway({ limits: { idleMs: 300, cpuMs: 60_000 } });
  const response = await fetch(`${gateway.url}/functions/v1/endless`);
  assert.equal(response.status, 504);
  assert.equal((await response.json()).code, "IDLE_TIMEOUT");
  const stuck = gateway.functions.live().endless;
  assert(stuck);
  Deno.kill(stuck.pid, "SIGKILL");
});

Deno.test("a body above the limit is 413, announced or not", async () => {
  await using gateway = await startGateway({ limits: { bodyBytes: 1000 } });
  const post = (body: BodyInit) =>
    fetch(`${gateway.url}/functions/v1/echo`, { method: "POST", body });
  assert.equal((await post("x".repeat(999))).status, 200);
  assert.equal((await post("x".repeat(1001))).status, 413);
  const chunked = ReadableStream.from(Array.from({ length: 20 }, () => new Uint8Array(100)));
  assert.equal((await post(chunked)).status, 413);
});

Deno.test("a prewarmed function is there before its first request and comes back when killed", async () => {
  const registry = await Deno.makeTempFile();
  await using gateway = await startGateway({ prewarm: ["background"], registry });
  const pidOf = async () => {
    for (;;) {
      const text = await Deno.readTextFile(registry);
      const pid: number | undefined = text ? JSON.parse(text).background?.pid : undefined;
      if (pid) return pid;
      await pause(20);
    }
  };
  const first = await pidOf();
  Deno.kill(first, "SIGKILL");
  while (await pidOf() === first) await pause(20);
  assert.equal((await fetch(`${gateway.url}/functions/v1/background`)).status, 202);
  const source = join(import.meta.dirname ?? "", "testdata", "functions", "background", "index.ts");
  await gateway.functions.load([source]);
  assert.equal((await gateway.logged("beforeunload")).message, "beforeunload termination");
  await Deno.remove(registry);
});
