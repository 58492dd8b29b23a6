import { LogFile } from "../stack/log_file.ts";

/** One line of `logs/functions.log`. */
export interface FunctionLogLine {
  readonly function: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Takes log lines of all functions. */
export type FunctionLog = (line: FunctionLogLine) => void;

/** Appends JSON lines to a file. Written at once: a crash must not take its own explanation along. */
export function functionLogFile(path: string): FunctionLog {
  const encoder = new TextEncoder();
  const file = new LogFile(path);
  return (line) => {
    const text = JSON.stringify({ time: new Date().toISOString(), ...line }) + "\n";
    file.write(encoder.encode(text));
  };
}
