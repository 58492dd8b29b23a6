import assert from "node:assert/strict";
import { join } from "node:path";
import { repositoryRoot } from "../stack/paths.ts";

Deno.test("a push does not cancel the gate of a deployment that runs on the same branch", async () => {
  const path = join(repositoryRoot, ".github", "workflows", "ci.yml");
  const [, group] = /^concurrency:\n +group: (.+)$/m.exec(await Deno.readTextFile(path)) ?? [];
  // Called by another workflow it has the name of that one here.
  assert.match(group ?? "", /\$\{\{ github\.workflow \}\}/);
});
