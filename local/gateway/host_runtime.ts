import { format } from "node:util";
import type { LogLevel } from "../log_level.ts";
import { dataApiVariable, shortWay } from "./short_way.ts";

type Handler = Deno.ServeHandler;
type ErrorHandler = (error: unknown) => Response | Promise<Response>;

interface Captured {
  handle(): Handler;
  onError(): ErrorHandler | undefined;
}

/** A function comes as `export default { fetch }` or calls Deno.serve: either way we listen, not it. */
export interface FetchModule {
  readonly default?: { readonly fetch?: (request: Request) => Response | Promise<Response> };
}

const longestLogLine = 10_000;

/** What Deno itself needed to start, and what the platform hides. */
const hiddenVariables = [
  "HOME",
  "HOSTNAME",
  "PATH",
  "PWD",
  "DENO_DIR",
  "DENO_NODE_SHIM_ACTIVE",
  "XDG_CACHE_HOME",
  "USERPROFILE",
  "LOCALAPPDATA",
  dataApiVariable,
];

/**
 * Replaces Deno.serve by one that keeps the handler instead of opening a port. `handle()` and
 * `onError()` give what was kept once the function's module has been loaded.
 */
export function captureHandler(): Captured & { fromModule(module: FetchModule): void } {
  let kept: { handler: Handler; onError?: ErrorHandler } | undefined;
  const finished = new Promise<void>(() => {});
  const fakeServer = {
    finished,
    addr: { transport: "tcp", hostname: "0.0.0.0", port: 8000 },
    ref() {},
    unref() {},
    shutdown: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const serve = (first: unknown, second?: unknown) => {
    const parts = [first, second].filter((part) => part !== undefined);
    const options = parts.find((part): part is Record<string, unknown> => typeof part === "object");
    const handler = parts.find((part) => typeof part === "function") ?? options?.handler;
    if (typeof handler !== "function") throw new TypeError("A handler function must be provided.");
    kept = { handler: handler as Handler };
    if (typeof options?.onError === "function") kept.onError = options.onError as ErrorHandler;
    return fakeServer;
  };
  Object.defineProperty(Deno, "serve", { value: serve, configurable: true });
  return {
    fromModule(module) {
      const service = module.default;
      if (typeof service?.fetch === "function") {
        kept = { handler: (request) => service.fetch!(request) };
      }
    },
    handle() {
      if (!kept) throw new Error("The function neither exports { fetch } nor calls Deno.serve().");
      return kept.handler;
    },
    onError: () => kept?.onError,
  };
}

/** Shortens the function's way to the data API, if its environment tells one. */
export function shortenWays(): void {
  const supabaseUrl = Deno.env.get("SUPABASE_URL");
  const dataApiUrl = Deno.env.get(dataApiVariable);
  if (!supabaseUrl || !dataApiUrl) return;
  globalThis.fetch = shortWay(globalThis.fetch, { supabaseUrl, dataApiUrl });
}

/** Takes away what the hosted runtime does not have, and the environment it does not show. */
export function restrictDeno(): void {
  for (const name of hiddenVariables) {
    Deno.env.delete(name);
  }
  const refuse = () => {
    throw new Deno.errors.NotSupported("The operation is not supported");
  };
  for (const name of ["Command", "cron", "openKv", "dlopen", "listen", "listenTls"]) {
    Object.defineProperty(Deno, name, { value: refuse, configurable: true });
  }
  // As on the platform, the environment cannot be written.
  for (const name of ["set", "delete"]) {
    Object.defineProperty(Deno.env, name, { value: refuse, configurable: true });
  }
  Object.defineProperty(globalThis, "Worker", { value: refuse, configurable: true });
}

/** Sends every console line through `write`, formatted as the console would, cut as hosted logs are. */
export function forwardConsole(write: (level: LogLevel, message: string) => void): void {
  const levels: Record<string, LogLevel> = {
    debug: "debug",
    trace: "debug",
    log: "info",
    info: "info",
    dir: "info",
    warn: "warn",
    error: "error",
  };
  for (const [method, level] of Object.entries(levels)) {
    Object.defineProperty(console, method, {
      value: (...values: unknown[]) => write(level, format(...values).slice(0, longestLogLine)),
      configurable: true,
      writable: true,
    });
  }
}
