import { dirname, join, sep } from "node:path";
import type { Client } from "./forward.ts";
import { type FunctionDefinition, readFunctions } from "./function_config.ts";
import { type LiveFunctions, writeRegistry } from "./function_registry.ts";
import type { FunctionLog } from "./function_log.ts";
import { FunctionPool } from "./function_pool.ts";
import type { ProcessOptions } from "./function_command.ts";
import { serveRequest } from "./serve_request.ts";
import type { VerifyJwt } from "./verify_jwt.ts";

/** How the functions of a project are served. */
export interface FunctionsOptions extends ProcessOptions {
  /** The folder with `config.toml` and `functions/`. */
  readonly supabaseDir: string;
  readonly verifyJwt: VerifyJwt;
  /** Functions whose process runs before their first request. */
  readonly prewarm: readonly string[];
  /** Where the live processes are written down; none when absent. */
  readonly registry?: string;
}

/** Serves `/functions/v1/<name>/…` as the hosted platform does. */
export class Functions {
  readonly #options: FunctionsOptions;
  readonly #log: FunctionLog;
  readonly #pools = new Map<string, FunctionPool>();
  #definitions = new Map<string, FunctionDefinition>();

  constructor(options: FunctionsOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /**
   * Reads the project's functions: at start, and when files changed. Then processes are replaced:
   * a function's own for a file in its folder, all of them for anything else.
   */
  async load(changed: readonly string[] = []): Promise<void> {
    this.#definitions = await readFunctions(this.#options.supabaseDir);
    for (const [name, definition] of this.#definitions) {
      const folder = dirname(definition.entrypoint) + sep;
      const isConcerned = changed.some((file) =>
        file.startsWith(folder) || !this.#isInAFunction(file)
      );
      if (isConcerned) this.#pools.get(name)?.replace(definition);
    }
    for (const name of this.#options.prewarm) this.#poolOf(name);
  }

  /** Answers a request whose path begins with `/functions/v1/`. */
  async handle(request: Request, client: Client): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.slice("/functions/v1".length);
    if (path === "/_internal/health") return Response.json({ message: "ok" });
    const name = path.split("/")[1] ?? "";
    const definition = this.#definitions.get(name);
    const pool = this.#poolOf(name);
    if (!definition || !pool) return new Response("Function not found", { status: 404 });

    const started = performance.now();
    const refusal = definition.verifyJwt ? await this.#options.verifyJwt(request) : null;
    const response = refusal ??
      await serveRequest(request, client, pool, path + url.search, this.#options.limits);
    this.#log({
      function: name,
      level: "info",
      message: "request",
      method: request.method,
      // Without its query, which may carry a token.
      path: path.slice(0, 1000),
      status: response.status,
      duration_ms: Math.round((performance.now() - started) * 10) / 10,
      execution_id: pool.current?.executionId,
    });
    return response;
  }

  /** The processes that take requests now. */
  live(): LiveFunctions {
    const live: Record<string, { pid: number; port: number }> = {};
    for (const [name, { current }] of this.#pools) {
      if (current) live[name] = { pid: current.pid, port: current.port };
    }
    return live;
  }

  /** Ends every process. */
  async stop(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  #isInAFunction(file: string): boolean {
    return [...this.#definitions.values()]
      .some(({ entrypoint }) => file.startsWith(dirname(entrypoint) + sep));
  }

  #poolOf(name: string): FunctionPool | undefined {
    const definition = this.#definitions.get(name);
    if (!definition) return undefined;
    let pool = this.#pools.get(name);
    if (!pool) {
      pool = new FunctionPool(definition, {
        ...this.#options,
        prewarm: this.#options.prewarm.includes(name),
        onChange: () => this.#register(),
      });
      this.#pools.set(name, pool);
    }
    return pool;
  }

  #register(): void {
    const { registry } = this.#options;
    if (registry) writeRegistry(registry, this.live());
  }
}

/** The folders whose change means that functions must be loaded again. */
export function watchedPaths(supabaseDir: string): string[] {
  return [join(supabaseDir, "functions"), join(supabaseDir, "config.toml")];
}
