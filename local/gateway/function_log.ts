/** One line of `logs/functions.log`. */
export interface FunctionLogLine {
  readonly function: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Takes log lines of all functions. */
export type FunctionLog = (line: FunctionLogLine) => void;

/**
 * Appends JSON lines to a file. Written at once: a crash must not take its own explanation along.
 * A file that has grown large becomes `<path>.1`, in the place of the one before.
 */
export function functionLogFile(path: string, largestBytes = 20_000_000): FunctionLog {
  const open = () => Deno.openSync(path, { append: true, create: true });
  const encoder = new TextEncoder();
  let file = open();
  let size = file.statSync().size;
  return (line) => {
    const text = JSON.stringify({ time: new Date().toISOString(), ...line }) + "\n";
    size += file.writeSync(encoder.encode(text));
    if (size < largestBytes) return;
    file.close();
    Deno.renameSync(path, `${path}.1`);
    file = open();
    size = 0;
  };
}
