/**
 * `deno task logs`: what the parts of a stack wrote, oldest first: --part (more than once), --level,
 * --lines, --follow.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isLogLevel, logLevels, matters } from "../log_level.ts";
import { defaultStackName } from "../stack/info.ts";
import { stackDirectory } from "../stack/paths.ts";
import { type LogLine, readLine } from "./log_lines.ts";

const lookEveryMs = 300;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    name: { type: "string", default: defaultStackName },
    part: { type: "string", multiple: true, default: [] },
    level: { type: "string", default: "info" },
    lines: { type: "string", default: "50" },
    follow: { type: "boolean", default: false },
  },
});

/** The log of one part, read on from where the last look ended. */
class Tail {
  #offset = 0;
  #rest = "";
  #before: LogLine | null = null;

  constructor(readonly part: string, readonly path: string) {}

  async read(): Promise<(LogLine & { part: string })[]> {
    const size = await Deno.stat(this.path).then((file) => file.size, () => 0);
    // It became the old one.
    if (size < this.#offset) this.#offset = 0;
    if (size === this.#offset) return [];
    using file = await Deno.open(this.path);
    await file.seek(this.#offset, Deno.SeekMode.Start);
    const text = this.#rest + await new Response(file.readable).text();
    this.#offset = size;
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter(Boolean).map((line) => {
      this.#before = readLine(line, this.#before);
      return { part: this.part, ...this.#before };
    });
  }
}

async function tails(): Promise<Tail[]> {
  const folder = join(await stackDirectory(values.name), "logs");
  const found: Tail[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const part = /^(.+)\.log$/.exec(name)?.[1];
    if (part && (values.part.length === 0 || values.part.includes(part))) {
      found.push(new Tail(part, join(folder, name)));
    }
  }
  return found;
}

const { level } = values;
try {
  if (!isLogLevel(level)) {
    throw new Error(`"${level}" is no log level; levels: ${logLevels.join(", ")}.`);
  }
  const sources = await tails().catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`There is no stack "${values.name}"; \`deno task start\` makes one.`);
  });
  if (sources.length === 0) throw new Error(`There is no log of ${values.part.join(", ")}.`);
  let most = Number(values.lines);
  do {
    const lines = (await Promise.all(sources.map((source) => source.read()))).flat()
      .filter((line) => matters(line.level, level))
      .sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0);
    for (const line of most > 0 ? lines.slice(-most) : []) {
      console.log(
        `${line.time.slice(0, 23)} ${line.level.padEnd(5)} ${line.part.padEnd(10)} ${line.text}`,
      );
    }
    most = Infinity;
    if (values.follow) await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  } while (values.follow);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
