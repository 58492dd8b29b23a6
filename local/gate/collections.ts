import { deno } from "./commands.ts";
import { cut } from "./cut.ts";
import { fill } from "./deno_report.ts";
import { check, type Outcome } from "./outcome.ts";

/** Runs the Postman collections whose file name contains `filter` on the stack of this file. */
export async function checkCollections(stackFile: string, filter: string): Promise<Outcome> {
  const { output } = await deno(["run", "-A", "local/postman/run.ts", filter], {
    STREAMVIBE_STACK: stackFile,
  });
  for (const [line] of output.matchAll(/^\S+\.json: \d+ assertions passed.*$/gm)) console.log(line);
  const outcome = readCollections(output);
  const isNone = outcome.passed + outcome.failures.length === 0;
  return isNone ? check(false, `No collection has "${filter}" in its name.`) : outcome;
}

/** The failed assertions in what a run of the collections printed, each as the runner named it. */
export function readCollections(output: string): Outcome {
  const [end, passed, failed] = output.match(/^Postman: (\d+) .+ passed, (\d+) failed$/m) ?? [];
  if (!end) return { passed: 0, failures: [`the collections ended early\n${cut(output)}`] };
  const failures: string[] = [];
  for (const line of output.slice(0, output.indexOf(end)).split("\n")) {
    if (/^ +\S+\.postman_collection\.json: /.test(line)) failures.push(line.trim());
    // A message may have several lines.
    else if (failures.length > 0 && !/^\S+: \d+ assertions passed/.test(line)) {
      failures.push(`${failures.pop()}\n${line}`);
    }
  }
  return {
    passed: Number(passed),
    failures: fill(failures.map((failure) => cut(failure)), Number(failed), "a Postman assertion"),
  };
}
