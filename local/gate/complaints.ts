import { readLogs } from "../stack/log_lines.ts";
import { lastLines } from "./cut.ts";
import type { Outcome } from "./outcome.ts";

/**
 * Does work on the stack of this folder. When something fails, what the parts of the stack complained
 * of meanwhile stands below it: the stack is thrown away with its logs.
 */
export async function withComplaints(
  stackDir: string,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const begin = new Date().toISOString();
  const { passed, failures } = await work();
  if (failures.length === 0) return { passed, failures };
  const complaints = (await readLogs(stackDir, { only: [], level: "warn" }))
    .filter(({ time }) => time >= begin)
    .map(({ time, part, text }) => `${time.slice(11, 23)} ${part} ${text}`).join("\n");
  if (complaints === "") return { passed, failures };
  const last = `${failures.at(-1)}\n--- meanwhile in the logs of its stack:\n${
    lastLines(complaints)
  }`;
  return { passed, failures: [...failures.slice(0, -1), last] };
}
