import assert from "node:assert/strict";
import { join } from "node:path";
import { waitUntil } from "../stack/process.ts";
import { deno, runDenoTests } from "./commands.ts";

Deno.test("a test that fails leaves its error and what it printed, as this Deno writes them", async () => {
  const folder = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
  try {
    await write(
      "sums_test.ts",
      `Deno.test("holds", () => console.log("of no interest"));
      Deno.test("does not", async (t) => {
        console.log("  Phase_1: Sign up: 429");
        await t.step("at all", () => { throw new Error("why"); });
      });`,
    );
    await write(
      "gone_test.ts",
      `Deno.test("goes", () => { console.log("last"); Deno.kill(Deno.pid); });`,
    );
    const sums = await runDenoTests(join(folder, "sums_test.ts"));
    assert.equal(sums.passed, 1);
    assert.equal(sums.failures.length, 1);
    assert.match(sums.failures[0]!, /^does not \.\.\. at all => [^]+Error: why[^]+Sign up: 429/);
    assert.doesNotMatch(sums.failures[0]!, /of no interest/);

    const gone = await runDenoTests(join(folder, "gone_test.ts"));
    assert.equal(gone.failures.length, 1);
    assert.match(gone.failures[0]!, /goes/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what hangs is ended, and what it printed until then is known", async () => {
  const begun = await Deno.makeTempFile();
  const hang = `console.log("so far"); Deno.writeTextFileSync("${begun}", "yes");
    setInterval(() => {}, 1_000);`;
  try {
    const limit = new AbortController();
    const hanging = deno(["eval", hang], {}, limit.signal);
    assert.ok(await waitUntil(async () => await Deno.readTextFile(begun) === "yes", 30_000, 20));
    limit.abort();
    const { code, output } = await hanging;
    assert.notEqual(code, 0);
    assert.equal(output, "so far\n\nended, as it went on for too long\n");
  } finally {
    await Deno.remove(begun);
  }
});
