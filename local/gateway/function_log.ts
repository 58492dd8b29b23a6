import { LogFile } from "../log_file.ts";

/** One line of `logs/functions.log`. */
export interface FunctionLogLine {
  readonly function: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Takes log lines of all functions. */
export type FunctionLog = (line: FunctionLogLine) => void;

/** Appends JSON lines to a file of bounded size. */
export function functionLogFile(path: string, largestBytes?: number): FunctionLog {
  const file = new LogFile(path, largestBytes);
  const encoder = new TextEncoder();
  return (line) => {
    const text = JSON.stringify({ time: new Date().toISOString(), ...line }) + "\n";
    file.write(encoder.encode(text));
  };
}
