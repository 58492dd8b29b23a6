import assert from "node:assert/strict";
import { closedLoop } from "./closed_loop.ts";

Deno.test("a closed loop makes every call, and never more at once than it has clients", async () => {
  let [made, running, most] = [0, 0, 0];

  const { latencies } = await closedLoop({ clients: 4, count: 30 }, async () => {
    made++;
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  });

  assert.deepEqual([made, latencies.length, most], [30, 30, 4]);
});

Deno.test("a call that fails fails the load", async () => {
  await assert.rejects(
    closedLoop({ clients: 2, count: 5 }, () => Promise.reject(new Error("refused"))),
    /refused/,
  );
});
