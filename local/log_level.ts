/** How much a log line matters, least first. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** One of them. */
export type LogLevel = typeof logLevels[number];

/** True for the name of a level. */
export function isLogLevel(name: string): name is LogLevel {
  return (logLevels as readonly string[]).includes(name);
}
