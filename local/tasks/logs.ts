/**
 * `deno task logs`: what the parts of a stack wrote, by time. `--only=gateway` (more than once) and
 * `--level=warn` leave out the rest, `--last=200` says how much, `--follow` goes on.
 */
import { parseArgs } from "node:util";
import { defaultStackName } from "../stack/info.ts";
import { isLogLevel, logLevels } from "../log_level.ts";
import { loggedParts, type LogLine, readLogs } from "../stack/log_lines.ts";
import { stackDirectory } from "../stack/paths.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    name: { type: "string", default: defaultStackName },
    only: { type: "string", multiple: true, default: [] },
    level: { type: "string", default: "info" },
    last: { type: "string", default: "100" },
    follow: { type: "boolean", default: false },
  },
});

const stackDir = await stackDirectory(values.name);
const { only, level } = values;
const parts = await loggedParts(stackDir);
const unknown = only.find((part) => !parts.includes(part));
if (!isLogLevel(level)) fail(`There is no level "${level}"; levels: ${logLevels.join(", ")}.`);
if (unknown) fail(`"${unknown}" has no log; there are: ${parts.join(", ") || "none yet"}.`);

let lines = await readLogs(stackDir, { only, level });
show(lines.slice(-Number(values.last)));
while (values.follow) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const next = await readLogs(stackDir, { only, level });
  const seen = new Set(lines.map((line) => JSON.stringify(line)));
  show(next.filter((line) => !seen.has(JSON.stringify(line))));
  lines = next;
}

function show(shown: readonly LogLine[]): void {
  for (const { time, part, level, text } of shown) {
    console.log(`${time.slice(11, 23).padEnd(12)} ${part.padEnd(9)} ${level.padEnd(5)} ${text}`);
  }
}

function fail(sentence: string): never {
  console.error(sentence);
  Deno.exit(1);
}
