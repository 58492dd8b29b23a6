import { join } from "node:path";
import { isLogLevel, type LogLevel, logLevels } from "../log_level.ts";

/** One line of a part's log. */
export interface LogLine {
  /** ISO time; empty for a line that does not say. */
  readonly time: string;
  readonly part: string;
  readonly level: LogLevel;
  readonly text: string;
}

/** Reads a line of any part: JSON of ours, PostgreSQL's own, or whatever a crash printed. */
export function readLogLine(part: string, line: string): LogLine {
  if (line.startsWith("{")) {
    try {
      const { time = "", level = "info", message = "", ...fields } = JSON.parse(line);
      const more = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
      return { time, part, level: isLogLevel(level) ? level : "info", text: `${message}${more}` };
    } catch {
      // Half a line, from a process that was killed.
    }
  }
  const server = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] (.*)$/.exec(line);
  if (!server) return { time: "", part, level: "error", text: line };
  const [, day, clock, text] = server;
  return { time: `${day}T${clock}Z`, part, level: serverLevel(text!), text: text! };
}

function serverLevel(text: string): LogLevel {
  if (/\b(ERROR|FATAL|PANIC): /.test(text)) return "error";
  if (/\bWARNING: /.test(text)) return "warn";
  return "info";
}

/** What is asked of the logs of a stack. */
export interface LogQuery {
  /** Parts, or all when there are none. */
  readonly only: readonly string[];
  readonly level: LogLevel;
}

/** The lines of a stack's logs, by time; a line without one follows the one before it. */
export async function readLogs(stackDir: string, { only, level }: LogQuery): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const part of await loggedParts(stackDir)) {
    if (only.length > 0 && !only.includes(part)) continue;
    let time = "";
    for (const suffix of [".1", ""]) {
      const path = join(stackDir, "logs", `${part}.log${suffix}`);
      const text = await Deno.readTextFile(path).catch(() => "");
      for (const raw of text.split("\n").filter(Boolean)) {
        const line = readLogLine(part, raw);
        time = line.time || time;
        lines.push({ ...line, time });
      }
    }
  }
  return lines
    .filter((line) => logLevels.indexOf(line.level) >= logLevels.indexOf(level))
    .sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0);
}

/** The parts that have a log. */
export async function loggedParts(stackDir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(join(stackDir, "logs"))) {
      if (name.endsWith(".log")) names.push(name.slice(0, -".log".length));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}
