import assert from "node:assert/strict";

Deno.test("a process lives on when a handler leaves errors to nobody, and says so", async () => {
  const call = `
    import { onUncaught } from "./isolate.ts";
    onUncaught((error) => console.log("said", String(error?.message ?? error)));
    Promise.reject(new Error("not awaited"));
    Promise.reject(null);
    setTimeout(() => { throw new Error("not caught"); }, 10);
    setTimeout(() => console.log("alive"), 50);`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", call],
    cwd: import.meta.dirname!,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.deepEqual(text(stdout).trim().split("\n"), [
    "said not awaited",
    "said null",
    "said not caught",
    "alive",
  ], text(stderr));
  assert.equal(code, 0);
});
