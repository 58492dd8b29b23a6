import { join } from "node:path";
import { LogFile } from "../log_file.ts";
import type { PartName } from "./info.ts";
import { repositoryRoot } from "./paths.ts";
import { waitUntil } from "./process.ts";

/** How one part is started. */
export interface PartSpec {
  readonly name: PartName;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly stackDir: string;
  /** Told whenever the process is another one. */
  readonly onStart: () => void;
}

/** A part with a life longer than this did work; its next failure is met at once again. */
const soundLifeMs = 10_000;
const longestBackoffMs = 5000;

/** Where the program of a part is. */
export function partEntry(name: PartName): string {
  return join(repositoryRoot, "local", name, "main.ts");
}

/** How the processes of a stack are recognised; the slash keeps "dev" and "dev2" apart. */
export function stackMark(stackDir: string): string {
  return `--stack=${stackDir}/`;
}

/** Writes what a process prints line by line as it comes: `pipeTo` holds back small chunks. */
async function keep(output: ReadableStream<Uint8Array>, log: LogFile): Promise<void> {
  for await (const chunk of output) log.write(chunk);
}

/** One part: started, restarted when it dies, its output kept in `logs/<part>.log`. */
export class SupervisedPart {
  readonly name: PartName;
  readonly port: number;
  #spec: PartSpec;
  #child: Deno.ChildProcess | null = null;
  #stopping = false;
  #failures = 0;

  constructor(spec: PartSpec) {
    this.#spec = spec;
    this.name = spec.name;
    this.port = spec.port;
  }

  /** Process id; null between two lives. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get logFile(): string {
    return join(this.#spec.stackDir, "logs", `${this.name}.log`);
  }

  /** Starts the process; true as soon as it serves, false when it does not in time. */
  async start(readyWithinMs: number): Promise<boolean> {
    this.#spawn();
    await waitUntil(async () => this.#stopping || await this.#serves(), readyWithinMs, 20);
    return !this.#stopping && await this.#serves();
  }

  /** Ends the process, by force when it takes longer than it may. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child) return;
    child.kill("SIGTERM");
    if (!await waitUntil(() => this.#child === null, patienceMs, 10)) child.kill("SIGKILL");
    await child.status;
  }

  #spawn(): void {
    const { env, stackDir, port, onStart } = this.#spec;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", partEntry(this.name), stackMark(stackDir)],
      cwd: repositoryRoot,
      env: { ...env, PART_PORT: String(port) },
      // Held open and never written to: when it closes, the part knows that we are gone.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A Ctrl-C in the terminal is ours to handle: parts are stopped in order.
      detached: true,
    }).spawn();
    this.#child = child;
    const bornAt = Date.now();
    const log = new LogFile(this.logFile);
    Promise.all([child.stdout, child.stderr].map((output) => keep(output, log)))
      .finally(() => log.close());
    onStart();
    child.status.then(() => this.#onEnd(Date.now() - bornAt));
  }

  #onEnd(lifeMs: number): void {
    this.#child = null;
    if (this.#stopping) return;
    this.#failures = lifeMs > soundLifeMs ? 1 : this.#failures + 1;
    const backoffMs = Math.min(longestBackoffMs, 100 * 2 ** this.#failures);
    setTimeout(() => {
      if (!this.#stopping) this.#spawn();
    }, backoffMs);
  }

  async #serves(): Promise<boolean> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/_part/ready`, {
        signal: AbortSignal.timeout(1000),
      });
      await response.body?.cancel();
      return response.status === 200;
    } catch {
      return false;
    }
  }
}
