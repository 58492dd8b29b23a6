/** How much a log line matters, from least to most. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** One of them. */
export type LogLevel = typeof logLevels[number];

/** True for the name of a level. */
export function isLogLevel(name: string): name is LogLevel {
  return (logLevels as readonly string[]).includes(name);
}

/** Whether a line of this level is to be seen where `least` is what matters. */
export function matters(level: LogLevel, least: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(least);
}

/**
 * The level of one part in a setting like `warn` or `warn,realtime=debug`; `info` unless said.
 * Throws one sentence about what is no level.
 */
export function levelOf(part: string, setting: string): LogLevel {
  let level: LogLevel = "info";
  let own: LogLevel | undefined;
  for (const word of setting.split(",").map((word) => word.trim()).filter(Boolean)) {
    const [name, of] = word.includes("=") ? word.split("=", 2) : [undefined, word];
    if (of === undefined || !isLogLevel(of)) {
      throw new Error(`"${of}" is no log level; levels: ${logLevels.join(", ")}.`);
    }
    if (name === undefined) level = of;
    else if (name === part) own = of;
  }
  return own ?? level;
}
