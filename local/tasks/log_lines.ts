import type { LogLevel } from "../log_level.ts";

/** One line of any part's log, as far as it can be understood. */
export interface LogLine {
  /** ISO moment; empty when the line has none. */
  readonly time: string;
  readonly level: LogLevel;
  readonly text: string;
}

const postgresLine = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S* \S+ .*?\b([A-Z]+): {2}(.*)$/;
const postgresLevels: Readonly<Record<string, LogLevel>> = {
  DEBUG: "debug",
  WARNING: "warn",
  ERROR: "error",
  FATAL: "error",
  PANIC: "error",
};

/** Reads a line; what is neither JSON nor PostgreSQL's is part of what `before` it said. */
export function readLine(line: string, before: LogLine | null): LogLine {
  if (line.startsWith("{")) {
    try {
      const { time = "", level = "info", message = "", ...fields } = JSON.parse(line);
      const more = Object.entries(fields).map(([name, value]) =>
        `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
      );
      return { time, level, text: [message, ...more].join("  ") };
    } catch {
      // Cut off, or text of another kind.
    }
  }
  const [, time, word = "", text = ""] = postgresLine.exec(line) ?? [];
  if (time) {
    return { time: `${time.replace(" ", "T")}.000Z`, level: postgresLevels[word] ?? "info", text };
  }
  const level = /^(\S*error|Uncaught)/i.test(line) ? "error" : before?.level ?? "info";
  return { time: before?.time ?? "", level, text: line };
}
