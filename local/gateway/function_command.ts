import { pathToFileURL } from "node:url";
import type { FunctionDefinition } from "./function_config.ts";
import type { FunctionLog } from "./function_log.ts";
import type { FunctionLimits } from "./limits.ts";

/** What every function's process is given. */
export interface ProcessOptions {
  readonly limits: FunctionLimits;
  readonly env: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
  /** Folder the function may read: the repository, with its node_modules. */
  readonly readable: string;
  /** Folders inside it that it may not: data and keys of the stack. */
  readonly unreadable: readonly string[];
  /** A word on the command line by which a stack finds what a crash left behind. */
  readonly mark?: string;
}

/** The command that runs a function: little is allowed, nothing is inherited. */
export function functionCommand(
  definition: FunctionDefinition,
  options: ProcessOptions,
  executionId: string,
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: denoArguments(definition, options),
    clearEnv: true,
    env: {
      ...inheritedEnv(),
      ...options.env,
      SUPABASE_FUNCTION_SLUG: definition.name,
      SB_EXECUTION_ID: executionId,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

function denoArguments(definition: FunctionDefinition, options: ProcessOptions): string[] {
  const denied = options.unreadable.map((path) => `--deny-read=${path}`);
  const config = definition.importMap
    ? [
      definition.importMap.endsWith("deno.json") ? "--config" : "--import-map",
      definition.importMap,
    ]
    : [];
  return [
    "run",
    "--quiet",
    "--no-prompt",
    // What a function needs was installed with the repository; nothing is fetched behind its back.
    "--cached-only",
    "--allow-net",
    "--allow-env",
    `--allow-read=${options.readable}`,
    ...denied,
    `--v8-flags=--max-old-space-size=${options.limits.memoryMb}`,
    ...config,
    new URL("./function_host.ts", import.meta.url).href,
    pathToFileURL(definition.entrypoint).href,
    ...(options.mark ? [options.mark] : []),
  ];
}

/** Where Deno finds its cache; the host program hides these from the function. */
function inheritedEnv(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA"]) {
    const value = Deno.env.get(name);
    if (value) found[name] = value;
  }
  return found;
}
