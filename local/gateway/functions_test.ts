import assert from "node:assert/strict";
import { waitUntil } from "../stack/process.ts";
import { startGateway } from "./testing.ts";

Deno.test("functions", async (t) => {
  await using gateway = await startGateway({
    limits: { cpuMs: 500, memoryMb: 64, idleMs: 20_000 },
  });
  const call = (path: string, init?: RequestInit) =>
    fetch(`${gateway.url}/functions/v1/${path}`, init);
  const goOn = async () => await (await call("stream/go")).json();

  await t.step("a function sees its path, its body and the platform's environment", async () => {
    const response = await call("echo/a/b?c=d", { method: "POST", body: "hello" });
    const seen = await response.json();
    assert.equal(seen.path, "/echo/a/b?c=d");
    assert.equal(seen.body, "hello");
    assert.deepEqual(seen.libraries, ["function", "function", "function"]);
    assert.deepEqual(Object.keys(seen.env).sort(), [
      "OWN_SECRET",
      "SB_EXECUTION_ID",
      "SUPABASE_FUNCTION_SLUG",
    ]);
    assert.equal(seen.env.SUPABASE_FUNCTION_SLUG, "echo");
  });

  await t.step(
    "CORS headers are the function's, and forged client addresses are replaced",
    async () => {
      const response = await call("echo", { headers: { "x-forwarded-for": "6.6.6.6" } });
      assert.equal(response.headers.get("access-control-allow-origin"), "https://only.example");
      assert.equal((await response.json()).headers["x-forwarded-for"], "127.0.0.1");
    },
  );

  await t.step("console lines and requests are logged, requests without their query", async () => {
    const line = await gateway.logged("echo was asked");
    assert.equal(line.function, "echo");
    const request = await gateway.logged("request");
    assert.equal(request.path, "/echo/a/b");
    assert.equal(request.status, 200);
  });

  await t.step("unknown, disabled and shared folders are 404", async () => {
    for (const name of ["nothing", "disabled", "_shared", ""]) {
      const response = await call(name);
      assert.equal(response.status, 404);
      assert.equal(await response.text(), "Function not found");
    }
  });

  await t.step("Deno.serve with its own error page, under a name from config.toml", async () => {
    assert.equal(await (await call("renamed")).text(), "old style");
    assert.equal(await (await call("renamed/fail")).text(), "own error page");
  });

  await t.step("a function that fails at import is 503 BOOT_ERROR", async () => {
    const response = await call("boot_crash");
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.equal((await response.json()).code, "BOOT_ERROR");
    await gateway.logged("cannot start");
  });

  await t.step("a function that throws is 500 and goes on living", async () => {
    for (let round = 0; round < 2; round++) {
      const response = await call("throws");
      assert.equal(response.status, 500);
      assert.equal(await response.text(), "Internal Server Error");
    }
  });

  await t.step("a crash is 500 WORKER_ERROR and the next request gets a new process", async () => {
    const before = await (await call("crash")).json();
    const response = await call("crash/now");
    assert.equal(response.status, 500);
    assert.equal((await response.json()).code, "WORKER_ERROR");
    assert.notEqual(await (await call("crash")).json(), before);
  });

  await t.step("an endless loop is 546 WORKER_LIMIT and hurts no other function", async () => {
    const stuck = call("endless");
    for (let round = 0; round < 5; round++) {
      assert.equal(await (await call("renamed")).text(), "old style");
    }
    const response = await stuck;
    assert.equal(response.status, 546);
    assert.equal((await response.json()).code, "WORKER_LIMIT");
  });

  await t.step("a memory leak is 546 WORKER_LIMIT", async () => {
    const response = await call("leak");
    assert.equal(response.status, 546);
    await response.body?.cancel();
  });

  await t.step("a response streams, and hanging up reaches the function", async () => {
    const response = await call("stream?held");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "line 1\n", "before the second is written");
    await goOn();
    while (!(await reader.read()).done);
    const endless = await call("stream?endless");
    const other = endless.body!.getReader();
    await other.read();
    await other.cancel();
    const cancelled = async () => await (await call("stream/cancelled")).json();
    await waitUntil(async () => await cancelled() > 0, 10_000);
    assert.equal(await cancelled(), 1);
  });

  await t.step("waitUntil works on after the response, its failure is only logged", async () => {
    const response = await call("background");
    assert.equal(await response.text(), "accepted");
    assert(!gateway.logs.some(({ message }) => message.includes("background work done")));
    await gateway.logged("background work done");
    await gateway.logged("background work failed");
    assert.equal((await call("background")).status, 202);
  });

  await t.step(
    "the sandbox has no processes, files, ports, workers or environment to write",
    async () => {
      const tried = await (await call("sandbox")).json();
      for (const [what, outcome] of Object.entries(tried)) {
        assert.match(String(outcome), /NotCapable|NotSupported|TypeError/, what);
      }
    },
  );

  await t.step("many requests run at once", async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, async () => {
      const { body } = await call("stream?held");
      return body!.pipeThrough(new TextDecoderStream()).getReader();
    }));
    for (const reader of readers) assert.equal((await reader.read()).value, "line 1\n");
    await goOn();
    for (const reader of readers) while (!(await reader.read()).done);
  });

  await t.step("a WebSocket reaches a function", async () => {
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/functions/v1/echo`);
    socket.onopen = () => socket.send("hello");
    const answer = await new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
    assert.equal(answer, "echo hello");
    socket.close();
    await new Promise((resolve) => socket.onclose = resolve);
  });
});
