/** Code that a document quotes is in the file it is quoted from: ```` ```ts path/to/file.ts ````. */
import assert from "node:assert/strict";
import { stepNames } from "../local/gate/steps.ts";

const root = new URL("../", import.meta.url);

/** Lines without their indentation, so that a piece of a block reads well on its own. */
const flat = (text: string) => text.split("\n").map((line) => line.trim()).join("\n");

/** What stands between two lines of `…` is in the file as it is, one piece after the other. */
function isQuoted(quote: string, source: string): boolean {
  let from = 0;
  for (const piece of flat(quote).split(/^…$/m)) {
    const at = flat(source).indexOf(piece.trim(), from);
    if (at < 0) return false;
    from = at + piece.trim().length;
  }
  return true;
}

const blocks = Array.from(Deno.readDirSync(new URL("docs/", root)))
  .filter(({ name }) => name.endsWith(".md"))
  .flatMap(({ name }) =>
    Array.from(
      Deno.readTextFileSync(new URL(`docs/${name}`, root))
        .matchAll(/^```(\w+)(?: (\S+\/\S+))?\n([\s\S]*?)^```$/gm),
      ([, language, file, text]) => ({ name, language, file, text: text! }),
    )
  );

Deno.test("what a document quotes from a file is there", () => {
  const wrong: string[] = [];
  let looked = 0;
  for (const { name, file, text } of blocks) {
    if (!file) continue;
    looked++;
    if (!isQuoted(text, Deno.readTextFileSync(new URL(file, root)))) {
      wrong.push(`${name}: ${file}\n${text}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(looked >= 15, `${looked} blocks are quotes`);
});

Deno.test("ADDING_A_PLATFORM shows no code that nothing checks", () => {
  const own = blocks.filter(({ name }) => name === "ADDING_A_PLATFORM.md");
  assert.ok(own.length >= 15);
  for (const { language, file, text } of own) {
    // SQL that names no file is run by docs_test.ts.
    assert.ok(file || language === "sql" || language === "sh", text);
  }
});

Deno.test("the commands of ADDING_A_PLATFORM are tasks and steps that there are", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const commands = blocks
    .filter(({ name, language }) => name === "ADDING_A_PLATFORM.md" && language === "sh")
    .flatMap(({ text }) => text.trim().split("\n"));
  assert.ok(commands.length > 3);
  for (const command of commands) {
    const [, task, step] = /^deno task (\w+)(?: (\w+))?/.exec(command) ?? [];
    assert.ok(task && task in tasks, command);
    if (step) assert.ok(stepNames.includes(step), command);
  }
});
