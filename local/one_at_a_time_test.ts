import { deepEqual } from "node:assert/strict";
import { oneAtATime } from "./one_at_a_time.ts";

Deno.test("work that is asked for while it runs is done once more, and never beside itself", async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const done: number[] = [];
  const ask = oneAtATime(async () => {
    const n = begun.push(Promise.withResolvers<void>());
    await begun[n - 1]!.promise;
    done.push(n);
  });
  const first = ask();
  for (let times = 0; times < 3; times++) await ask();
  deepEqual([begun.length, done], [1, []]);
  begun[0]!.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  deepEqual([begun.length, done], [2, [1]]);
  begun[1]!.resolve();
  await first;
  deepEqual(done, [1, 2]);

  const second = ask();
  deepEqual(begun.length, 3, "it goes on from there");
  begun[2]!.resolve();
  await second;
});
