import assert from "node:assert/strict";
import { usageOf } from "./usage.ts";
import { startGateway, type TestGateway } from "./testing.ts";

/** Whatever one function does, another one answers meanwhile, again and again. */
async function whileOthersAnswer<T>(gateway: TestGateway, fault: Promise<T>): Promise<T> {
  let isOver = false;
  const over = fault.finally(() => isOver = true);
  let asked = 0;
  do {
    const response = await fetch(`${gateway.url}/functions/v1/renamed`, {
      signal: AbortSignal.timeout(5000),
    });
    assert.equal(await response.text(), "old style");
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (!isOver);
  assert.ok(asked > 0);
  return await over;
}

Deno.test("a fault in one function leaves every other function answering", async (t) => {
  await using gateway = await startGateway({
    limits: { cpuMs: 700, memoryMb: 96, bootMs: 6000, idleMs: 20_000 },
  });
  const call = (name: string, init?: RequestInit) =>
    fetch(`${gateway.url}/functions/v1/${name}`, init);
  await (await call("renamed")).body?.cancel();
  const failsAs = async (name: string, status: number, code: string) => {
    const response = await whileOthersAnswer(gateway, call(name));
    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.equal((await response.json()).code, code);
  };

  await t.step("an endless loop is 546", () => failsAs("endless", 546, "WORKER_LIMIT"));
  await t.step("too much CPU, a little at a time, is 546", async () => {
    await failsAs("busy", 546, "WORKER_LIMIT");
    await gateway.logged("worker ended: cpu");
  });
  await t.step("a heap that grows is 546", () => failsAs("leak", 546, "WORKER_LIMIT"));
  await t.step("buffers that pile up outside the heap are 546", async () => {
    await failsAs("hoard", 546, "WORKER_LIMIT");
    await gateway.logged("worker ended: memory");
  });
  await t.step("an error at import is 503", () => failsAs("boot_crash", 503, "BOOT_ERROR"));
  await t.step("an import that never ends is 503", () => failsAs("boot_hang", 503, "BOOT_ERROR"));
  await t.step("an endless loop at import is 503", () => failsAs("boot_loop", 503, "BOOT_ERROR"));
  await t.step("a crash is 500", () => failsAs("crash/now", 500, "WORKER_ERROR"));

  await t.step("a rejection nobody handles ends that process; the next one answers", async () => {
    const first = await (await call("rejects")).json();
    await gateway.logged("too late to tell");
    while (gateway.functions.live().rejects) await new Promise((done) => setTimeout(done, 10));
    const second = await whileOthersAnswer(gateway, call("rejects"));
    assert.equal(second.status, 200);
    assert.notEqual(await second.json(), first);
  });

  await t.step("a flood of lines is cut, with a word about it", async () => {
    const response = await whileOthersAnswer(gateway, call("chatter"));
    assert.equal(await response.text(), "said");
    await gateway.logged("more lines were dropped");
    const kept = gateway.logs.filter(({ message }) => message.startsWith("and another"));
    assert.ok(kept.length < 30_000, `${kept.length} lines were kept`);
  });

  await t.step("none of it left a process behind", () => {
    const left = Object.keys(gateway.functions.live()).filter((name) =>
      !["renamed", "crash", "rejects", "chatter"].includes(name)
    );
    assert.deepEqual(left, []);
  });
});

Deno.test("timers and connections left open keep no process alive", async () => {
  await using endless = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }),
      ),
  );
  await using gateway = await startGateway({ limits: { wallClockMs: 4000 } });
  const response = await fetch(`${gateway.url}/functions/v1/leftovers`, {
    headers: { "x-endless": `http://127.0.0.1:${endless.addr.port}/` },
  });
  assert.equal(response.status, 200);
  await response.body?.cancel();
  const { pid } = gateway.functions.live().leftovers ?? { pid: 0 };
  assert.ok(usageOf(pid), "it lives on for the next request");
  for (let tries = 0; usageOf(pid) && tries < 400; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(usageOf(pid), null, "and is gone when its time is up");
});
