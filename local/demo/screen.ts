/**
 * What the demo prints. On a terminal the progress bar moves in place and there is some colour;
 * in a file or a pipe every step is a line and there is none.
 * @module
 */

const width = 28;

/** Where the demo prints to. */
export class Screen {
  readonly #terminal: boolean;
  readonly #write: (text: string) => void;
  #barShown = false;
  #latestBar = "";

  constructor(
    terminal: boolean,
    write: (text: string) => void = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
  ) {
    this.#terminal = terminal;
    this.#write = write;
  }

  /** A step that is done: a label of a few letters and a sentence. */
  step(label: string, sentence: string): void {
    this.#endBar();
    this.#write(`  ${this.#color(32, "✔")} ${this.#color(1, label.padEnd(9))} ${sentence}\n`);
  }

  /** A further line of the step above. */
  more(sentence: string): void {
    this.#endBar();
    this.#write(`              ${sentence}\n`);
  }

  /** A line that stands on its own. */
  line(sentence = ""): void {
    this.#endBar();
    this.#write(`${sentence}\n`);
  }

  /** The progress bar; on a terminal it replaces the one before. */
  bar(percent: number, message: string): void {
    const full = Math.round((Math.min(Math.max(percent, 0), 100) / 100) * width);
    const bar = this.#color(36, "█".repeat(full)) + "░".repeat(width - full);
    const line = `    ${bar} ${String(percent).padStart(3)} %  ${message}`;
    if (line === this.#latestBar) return;
    this.#latestBar = line;
    this.#write(this.#terminal ? `\r\x1b[K${line}` : `${line}\n`);
    this.#barShown = this.#terminal;
  }

  #endBar(): void {
    if (this.#barShown) this.#write("\n");
    this.#barShown = false;
  }

  #color(code: number, text: string): string {
    return this.#terminal ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** A number with its digits in threes: `12,345`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** Milliseconds for people: `480 ms`, `2.3 s`. */
export function duration(milliseconds: number): string {
  return milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1_000).toFixed(1)} s`;
}
