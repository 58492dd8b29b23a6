import assert from "node:assert/strict";
import { join } from "node:path";
import { withComplaints } from "./complaints.ts";

/** Work that fails so often, on a stack that complains before it and while it goes on. */
async function complained(failures: string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "logs", "gateway.log");
  const write = (time: Date, level: string, message: string) =>
    Deno.writeTextFile(path, `${JSON.stringify({ time, level, message })}\n`, { append: true });
  try {
    await Deno.mkdir(join(folder, "logs"));
    await write(new Date(Date.now() - 60_000), "error", "long ago");
    const outcome = await withComplaints(folder, async () => {
      await write(new Date(), "info", "all is well");
      await write(new Date(), "error", "the function fell");
      return { passed: 1, failures };
    });
    assert.equal(outcome.passed, 1);
    return outcome.failures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("below what fails stands what its stack complained of meanwhile", async () => {
  const [first, last, ...more] = await complained(["one", "two"]);
  assert.equal(first, "one");
  assert.match(
    last!,
    /^two\n--- meanwhile in the logs of its stack:\n\S+ gateway the function fell$/,
  );
  assert.deepEqual(more, []);
});

Deno.test("where nothing fails nobody reads logs", async () => {
  assert.deepEqual(await complained([]), []);
});
