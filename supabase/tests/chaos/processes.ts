/** The processors of the test, and what can befall a process. */
import { join } from "node:path";

/** What a worker said about the jobs it let go of, added up over all processes. */
export type Outcomes = Record<string, number>;

interface Processor {
  readonly name: string;
  readonly child: Deno.ChildProcess;
  isStopped: boolean;
}

/** A handful of processors; whoever dies is replaced under another name. */
export class Processors {
  readonly outcomes: Outcomes = {};
  /** Warnings and errors, by their sentence. */
  readonly troubles = new Map<string, number>();
  readonly crashes: string[] = [];
  #running: Processor[] = [];
  #started = 0;
  #ended: Promise<unknown>[] = [];

  constructor(private readonly dbUrl: string, private readonly random: () => number) {}

  get size(): number {
    return this.#running.length;
  }

  start(count: number): void {
    for (let n = 0; n < count; n++) this.#start();
  }

  /** Nobody is asked, nothing is finished. */
  kill(): void {
    const processor = this.#pick();
    if (!processor) return;
    this.#running = this.#running.filter((other) => other !== processor);
    processor.child.kill("SIGKILL");
    this.#start();
  }

  /** The way a platform ends one that has had its time. */
  end(): void {
    const processor = this.#pick();
    if (!processor) return;
    this.#running = this.#running.filter((other) => other !== processor);
    processor.child.kill("SIGTERM");
    this.#start();
  }

  /** Stops the clock of one for longer than its leases; then it goes on as if nothing had happened. */
  async freeze(ms: number): Promise<void> {
    const processor = this.#pick();
    if (!processor) return;
    processor.isStopped = true;
    processor.child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, ms));
    processor.isStopped = false;
    try {
      processor.child.kill("SIGCONT");
    } catch {
      // It is gone.
    }
  }

  async close(): Promise<void> {
    for (const { child } of this.#running) {
      try {
        child.kill("SIGCONT");
        child.kill("SIGKILL");
      } catch {
        // It is gone.
      }
    }
    this.#running = [];
    await Promise.all(this.#ended);
  }

  #pick(): Processor | undefined {
    const awake = this.#running.filter(({ isStopped }) => !isStopped);
    // One must be left to carry on with.
    if (awake.length < 2) return;
    return awake[Math.floor(this.random() * awake.length)];
  }

  #start(): void {
    const name = `chaos-${++this.#started}`;
    // Every other one knows no type with a limit, beside which starts would be written.
    const types = this.#started % 2 === 0 ? ["chaos_silent"] : [];
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        "--no-check",
        "--quiet",
        join(import.meta.dirname!, "worker_process.ts"),
        this.dbUrl,
        name,
        ...types,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const processor = { name, child, isStopped: false };
    this.#running.push(processor);
    this.#ended.push(
      this.#read(child.stdout, (line) => this.#hear(line)),
      this.#read(child.stderr, (line) => this.crashes.push(`${name}: ${line}`)),
      child.status,
    );
    child.status.then(() => {
      // Killed and ended ones have been replaced already: this one fell by itself.
      if (!this.#running.includes(processor)) return;
      this.#running = this.#running.filter((other) => other !== processor);
      this.crashes.push(`${name} ended by itself`);
      this.#start();
    });
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>, heard: (line: string) => void) {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(heard);
    }
  }

  #hear(text: string): void {
    let line: Record<string, unknown>;
    try {
      line = JSON.parse(text);
    } catch {
      this.crashes.push(text);
      return;
    }
    if (line.message === "job") {
      const outcome = String(line.outcome);
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    } else {
      const error = line.error as { message?: string } | undefined;
      const sentence = `${line.message}: ${error?.message ?? ""}`;
      this.troubles.set(sentence, (this.troubles.get(sentence) ?? 0) + 1);
    }
  }
}
