import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Contender } from "../queues/contenders.ts";
import type { CommandName, Commands, Line, Tick } from "./protocol.ts";

/** How each kind of process is started. */
export interface Runtimes {
  readonly node: readonly string[];
  readonly deno: readonly string[];
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const nothingYet: Tick = { handled: 0, firstAt: 0, lastAt: 0 };

/** A system in an OS process of its own: peers in Node, ours in Deno. */
export class QueueProcess {
  /** The worker's count, at most a few milliseconds old. */
  tick: Tick = nothingYet;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  private constructor(command: readonly string[], contender: Contender, url: string) {
    const [program, ...args] = command;
    this.#child = spawn(program!, [
      ...args,
      join(import.meta.dirname!, "host.ts"),
      contender.system,
      url,
      JSON.stringify(contender.variant),
    ], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout! })
      .on("line", (line) => this.#hear(JSON.parse(line)));
    this.#child.on("exit", (code, signal) => {
      if (!this.#closed) this.#fail(new Error(`${contender.id} ended: ${signal ?? code}`));
    });
  }

  /** Starts one and waits until the system is loaded. */
  static async start(runtimes: Runtimes, contender: Contender, url: string): Promise<QueueProcess> {
    const runtime = contender.system === "streamvibe" ? runtimes.deno : runtimes.node;
    const started = new QueueProcess(runtime, contender, url);
    await started.#ready.promise;
    return started;
  }

  /** Asks the process to do something and waits for the answer. */
  ask<K extends CommandName>(command: K, ask: Commands[K]["ask"]): Promise<Commands[K]["answer"]> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.stdin!.write(`${JSON.stringify({ id, command, ask })}\n`);
    return promise as Promise<Commands[K]["answer"]>;
  }

  /** Ends the process at once: what it should still do, it was asked before. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await ended;
  }

  #hear(line: Line): void {
    if ("tick" in line) this.tick = line.tick;
    else if ("ready" in line) this.#ready.resolve();
    else {
      const waiting = this.#waiting.get(line.id);
      this.#waiting.delete(line.id);
      if ("error" in line) waiting?.reject(new Error(line.error));
      else waiting?.resolve(line.value);
    }
  }

  #fail(error: Error): void {
    this.#ready.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
