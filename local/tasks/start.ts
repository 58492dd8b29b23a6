/**
 * `deno task start`: brings the local stack up and stays with it until Ctrl-C.
 * Exits with 1 when it cannot, also when the stack already runs.
 */
import { banner } from "../stack/banner.ts";
import { startStackHere, type SupervisedStack } from "../stack/start.ts";
import { startArguments } from "./start_arguments.ts";

// Files of a stack are read by the user PostgreSQL runs as, whatever mask the shell has.
Deno.umask(0o022);
const begun = performance.now();
const giveUp = new AbortController();
let stack: SupervisedStack | null = null;

try {
  const { child, ...options } = startArguments(Deno.args);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, leave);
  }
  if (child) Deno.stdin.readable.pipeTo(new WritableStream()).then(leave, leave);

  const tell = (line: string) => console.log(line);
  stack = await startStackHere({ ...options, tell, signal: giveUp.signal });
  if (child && stack.failed.length > 0) {
    await stack.stop();
    const names = stack.failed.map(({ name, logFile }) => `${name} (${logFile})`);
    throw new Error(`These parts did not start: ${names.join(", ")}.`);
  }
  console.log(banner(stack, performance.now() - begun));
} catch (error) {
  if (giveUp.signal.aborted) console.log("Stopped.");
  else console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}

async function leave(): Promise<void> {
  giveUp.abort();
  if (!stack) return;
  await stack.stop();
  console.log("Stopped.");
  Deno.exit(0);
}
