import { cut, lastLines } from "./cut.ts";

/** The last line about a test; what is said of a step is indented. */
const END_OF_TEST = /^(\S.*) \.\.\. (ok|ignored|FAILED|cancelled)\b/;
const BEGIN_OF_FILE = /^running \d+ tests? from (\S+)$/;
const END_OF_FILE = /^Uncaught error from (\S+) FAILED$/;
/** Lines around what a test prints; the second may follow a last word without a line break. */
const BEGIN_OF_OUTPUT = /^-+ ([a-z]+-test )?output -+$/;
const END_OF_OUTPUT = /-+ ([a-z]+-test )?output end -+$/;

/** What `deno test` printed before it summed up. */
interface Progress {
  /** What was printed during each test that failed, under its title and file; files that failed too. */
  readonly printed: ReadonlyMap<string, string>;
  /** Tests that were not done when their file failed. */
  readonly cancelled: readonly string[];
  /** Number of the line with which the errors begin; -1 when none does. */
  readonly end: number;
}

/**
 * The failures in what `deno test` printed: title and file of each test, its error, and what it
 * printed itself.
 *
 * @param count How many there must be: what the report does not explain is listed all the same.
 */
export function readFailures(output: string, count: number): string[] {
  const lines = output.split("\n");
  const { printed, cancelled, end } = readProgress(lines);
  // An import error or a crash of the process: its reason stands at the end.
  if (end < 0) return fill([cut(output)], count, "a test");
  const failures = readErrors(lines.slice(end + 1)).map((error) => {
    const said = find(printed, error.split("\n", 1)[0]!);
    return cut(error) + (said ? `\n--- it printed:\n${lastLines(said)}` : "");
  });
  return fill([...failures, ...cancelled], count, "a test");
}

function readProgress(lines: readonly string[]): Progress {
  const printed = new Map<string, string>();
  const cancelled: string[] = [];
  let file = "";
  let begin = 0;
  let isOutput = false;
  for (const [at, line] of lines.entries()) {
    if (BEGIN_OF_OUTPUT.test(line)) isOutput = true;
    else if (END_OF_OUTPUT.test(line)) isOutput = false;
    const failedFile = line.match(END_OF_FILE)?.[1];
    if (failedFile) {
      printed.set(failedFile, lines.slice(begin, at).join("\n"));
      isOutput = false;
      begin = at + 1;
    }
    // A test that runs tests prints all these lines too.
    if (isOutput) continue;
    if (line === " ERRORS ") return { printed, cancelled, end: at };

    file = line.match(BEGIN_OF_FILE)?.[1] ?? file;
    const [, title, how] = line.match(END_OF_TEST) ?? [];
    if (!title) continue;
    const said = lines.slice(begin, at)
      .filter((line) => line !== `${title} ...` && !BEGIN_OF_FILE.test(line));
    if (how === "FAILED") printed.set(`${title} => ${file}`, said.join("\n"));
    if (how === "cancelled") cancelled.push(`${title} => ${file}\ncancelled when the file failed`);
    begin = at + 1;
  }
  return { printed, cancelled, end: -1 };
}

/**
 * The errors one by one, each beginning with the title and the file of its test. What was run by a
 * test can stand in its error with a report of its own; the last list of failures is this one's.
 */
function readErrors(lines: readonly string[]): string[] {
  const end = lines.lastIndexOf(" FAILURES ");
  if (end < 0) return [lines.join("\n")];
  const headings = new Set(lines.slice(end + 1).filter((line) => line !== ""));
  const errors: string[][] = [];
  for (const line of lines.slice(0, end)) {
    if (headings.delete(line)) errors.push([line]);
    else errors.at(-1)?.push(line);
  }
  return errors.map((error) => error.join("\n"));
}

/** What was printed by the test that a heading names: `test ... step => file:line:column`. */
function find(printed: ReadonlyMap<string, string>, heading: string): string | undefined {
  const [, titles = "", file = ""] = heading.match(/^(.+) => (\S+):\d+:\d+$/) ?? [];
  const parts = titles.split(" ... ");
  for (let n = parts.length; n > 0; n--) {
    const said = printed.get(`${parts.slice(0, n).join(" ... ")} => ${file}`);
    if (said !== undefined) return said;
  }
  return printed.get(heading.replace(/ \(uncaught error\)$/, ""));
}

/** Failures that are known by their number only are failures too. */
export function fill(failures: string[], count: number, unknown: string): string[] {
  const missing = Math.max(count - failures.length, 0);
  return [...failures, ...Array.from({ length: missing }, () => `${unknown} that is not named`)];
}
