/**
 * The program inside each function's process: takes the place of the hosted runtime around one
 * `index.ts`. Arguments: the entry file. Talks to the gateway in JSON lines, over standard input
 * ({@link HostCommand}) and output ({@link HostMessage}).
 */
import type { HostCommand, HostMessage } from "./host_protocol.ts";
import { captureHandler, forwardConsole, restrictDeno, shortenWays } from "./host_runtime.ts";

const output = Deno.stdout;
const encoder = new TextEncoder();
const send = (message: HostMessage) => {
  output.writeSync(encoder.encode(JSON.stringify(message) + "\n"));
};

const background = new Set<Promise<unknown>>();
let isRetired = false;

function waitUntil(promise: Promise<unknown>): Promise<unknown> {
  const task = Promise.resolve(promise)
    .catch((error) => console.error("background task failed:", error))
    .finally(() => {
      background.delete(task);
      leaveWhenIdle();
    });
  background.add(task);
  return promise;
}

function unload(reason: string): void {
  globalThis.dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
}

/** A retired process gets no more requests: it goes as soon as its background work is done. */
function leaveWhenIdle(): void {
  if (!isRetired || background.size > 0) return;
  unload("early_drop");
  Deno.exit(0);
}

async function terminate(): Promise<void> {
  unload("termination");
  const grace = new Promise((resolve) => setTimeout(resolve, 1000));
  await Promise.race([grace, Promise.allSettled([...background])]);
  Deno.exit(0);
}

async function obey(): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const command = JSON.parse(line) as HostCommand;
      if (command.type === "ping") send({ type: "pong" });
      else if (command.type === "unload") unload(command.reason);
      else if (command.type === "retire") {
        isRetired = true;
        leaveWhenIdle();
      }
    }
  }
  // The gateway is gone: nobody is left to work for.
  await terminate();
}

Object.defineProperty(globalThis, "EdgeRuntime", { value: Object.freeze({ waitUntil }) });
forwardConsole((level, message) => send({ type: "log", level, message }));
Deno.addSignalListener("SIGTERM", terminate);
obey();

const serve = Deno.serve;
const handler = captureHandler();
shortenWays();
restrictDeno();
handler.fromModule(await import(Deno.args[0] ?? ""));
serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => send({ type: "ready", port }),
  onError: handler.onError(),
}, handler.handle());
