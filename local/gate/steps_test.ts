import assert from "node:assert/strict";
import { codeFolders, denoPaths } from "./steps.ts";

Deno.test("every folder of code is among the paths whose tests are run", () => {
  assert.deepEqual(codeFolders.filter((folder) => !denoPaths.includes(folder)), []);
  for (const path of denoPaths) {
    assert.ok(Deno.statSync(new URL(`../../${path}`, import.meta.url)), `${path} is there`);
  }
});
