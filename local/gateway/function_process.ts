import type { FunctionDefinition } from "./function_config.ts";
import { functionCommand, type ProcessOptions } from "./function_command.ts";
import { type HostCommand, readHostMessage } from "./host_protocol.ts";
import { LogQuota } from "./log_quota.ts";
import { linesOf } from "./text_lines.ts";
import { Watchdog } from "./watchdog.ts";
import { BootError, type ExitReason } from "./worker_errors.ts";

/** One operating-system process that serves one function. */
export class FunctionProcess {
  readonly name: string;
  readonly executionId: string = crypto.randomUUID();
  #inFlight = 0;
  /** Settles when the process is gone, with the reason. */
  readonly ended: Promise<ExitReason>;
  /** Set when the process is gone. */
  exitReason: ExitReason | null = null;
  readonly #child: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  readonly #watchdog: Watchdog;
  readonly #options: ProcessOptions;
  readonly #quota = new LogQuota();
  readonly #ready = Promise.withResolvers<void>();
  #port = 0;
  #endsBecause: ExitReason | null = null;
  #sawOutOfMemory = false;

  private constructor(definition: FunctionDefinition, options: ProcessOptions) {
    this.name = definition.name;
    this.#options = options;
    this.#child = functionCommand(definition, options, this.executionId).spawn();
    this.#commands = this.#child.stdin.getWriter();
    this.#watchdog = new Watchdog(
      this.#child.pid,
      options.limits,
      () => this.tell({ type: "ping" }),
      (of) => this.kill(of),
    );
    const output = this.#readOutput();
    const errors = this.#readErrors();
    this.ended = this.#child.status.then(async (status) => {
      await Promise.allSettled([output, errors]);
      return this.#onExit(status);
    });
  }

  /** Starts a process; rejects with {@link BootError} when it does not come to listen. */
  static async start(
    definition: FunctionDefinition,
    options: ProcessOptions,
  ): Promise<FunctionProcess> {
    const process = new FunctionProcess(definition, options);
    const timer = setTimeout(() => process.kill("crash"), options.limits.bootMs);
    try {
      await Promise.race([
        process.#ready.promise,
        process.ended.then(() => Promise.reject(new BootError(`${definition.name} did not boot`))),
      ]);
    } finally {
      clearTimeout(timer);
    }
    process.#watchdog.start();
    return process;
  }

  /** Requests being served, response bodies included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  requestBegan(): void {
    this.#inFlight++;
    this.#watchdog.requestBegan();
  }

  requestEnded(): void {
    this.#inFlight--;
    this.#watchdog.requestEnded();
  }

  /** The port it listens on, at 127.0.0.1. */
  get port(): number {
    return this.#port;
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a command; a process that is gone does not mind. */
  tell(command: HostCommand): void {
    this.#commands.write(new TextEncoder().encode(JSON.stringify(command) + "\n")).catch(() => {});
  }

  /** Ends the process at once. */
  kill(reason: ExitReason): void {
    this.#endsBecause ??= reason;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It went first.
    }
  }

  /** Closes its input, on which it says goodbye to the function and leaves by itself. */
  terminate(): void {
    this.#endsBecause ??= "terminated";
    this.#commands.close().catch(() => {});
  }

  async #readOutput(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) {
      const message = readHostMessage(line);
      if (message?.type === "ready") {
        this.#port = message.port;
        this.#ready.resolve();
      } else if (message?.type === "pong") this.#watchdog.answered();
      else if (message) this.#logLine(message.level, message.message);
      else this.#logLine("info", line);
    }
  }

  async #readErrors(): Promise<void> {
    for await (const line of linesOf(this.#child.stderr)) {
      if (/heap out of memory|heap limit/i.test(line)) this.#sawOutOfMemory = true;
      this.#logLine("error", line);
    }
  }

  #logLine(level: string, line: string): void {
    const mayWrite = this.#quota.take();
    if (mayWrite) this.#log(level, line);
    if (mayWrite === "last") this.#log("warn", "more lines were dropped: too many in ten seconds");
  }

  #onExit(status: Deno.CommandStatus): ExitReason {
    this.#watchdog.stop();
    this.#commands.close().catch(() => {});
    const reason = this.#endsBecause ??
      (this.#sawOutOfMemory ? "memory" : status.success ? "retired" : "crash");
    this.exitReason = reason;
    if (reason !== "retired" && reason !== "terminated") {
      this.#log("error", `worker ended: ${reason}`, { exit_code: status.code });
    }
    return reason;
  }

  #log(level: string, message: string, fields: Record<string, unknown> = {}): void {
    const { log } = this.#options;
    log({ function: this.name, level, message, execution_id: this.executionId, ...fields });
  }
}
