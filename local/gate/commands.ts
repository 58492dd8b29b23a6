import { cut } from "./cut.ts";
import { readFailures } from "./deno_report.ts";
import { check, type Outcome } from "./outcome.ts";

const repo = new URL("../../", import.meta.url).pathname;

/** Nothing takes so long but what hangs. */
const MOST_MS = 20 * 60_000;

/**
 * Runs `deno <args>` in the repository and returns its exit code and everything it printed.
 *
 * @param signal Ends it; what it printed until then says where it hung.
 */
export async function deno(
  args: string[],
  env: Record<string, string> = {},
  signal = AbortSignal.timeout(MOST_MS),
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: repo,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    signal,
  }).output();
  const text = new TextDecoder();
  const ended = signal.aborted ? "\nended, as it went on for too long\n" : "";
  return { code, output: text.decode(stdout) + text.decode(stderr) + ended };
}

/** A command that passes or fails as a whole, such as a formatter's check. */
export async function checkCommand(...args: string[]): Promise<Outcome> {
  const { code, output } = await deno(args);
  return check(code === 0, `deno ${args.join(" ")}\n${cut(output)}`);
}

/**
 * Runs the tests of a path in a process of their own: what the tests of one folder set in the
 * environment is not what those of another start their stacks with.
 *
 * Counts tests by the closing line of `deno test`. A run that ends without that line, or that fails
 * although no test did (a leak, an import error), counts as one failure. What is ignored on this
 * machine is named: silence would look like success.
 *
 * @param leftOut Paths below it whose tests are not run.
 */
export async function runDenoTests(
  path: string,
  leftOut: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, output } = await deno([
    "test",
    "-A",
    "--no-check",
    ...leftOut.length > 0 ? [`--ignore=${leftOut.join()}`] : [],
    path,
  ], env);
  const ignored = [...output.matchAll(/^ *(.+) \.\.\. ignored/gm)].map(([, title]) => title);
  if (ignored.length > 0) console.log(`NOT RUN: ${ignored.length} tests`);
  for (const title of ignored) console.log(`    - ${title}`);
  // A test that runs tests prints such a line too.
  const totals = [...output.matchAll(/(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/g)].at(-1);
  const passed = Number(totals?.[1] ?? 0);
  if (code === 0 && totals) return { passed, failures: [] };
  return { passed, failures: readFailures(output, Math.max(Number(totals?.[2] ?? 0), 1)) };
}
