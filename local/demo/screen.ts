/**
 * What the demo prints. On a terminal the progress bars move in place and there is some colour;
 * in a file or a pipe every step is a line and there is none.
 * @module
 */

const width = 28;

/** Where the demo prints to. */
export class Screen {
  readonly #terminal: boolean;
  readonly #write: (text: string) => void;
  #bars = new Map<string, string>();
  #drawn = 0;

  constructor(
    terminal: boolean,
    write: (text: string) => void = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
  ) {
    this.#terminal = terminal;
    this.#write = write;
  }

  /** A step that is done: a label of a few letters and a sentence. */
  step(label: string, sentence: string): void {
    this.#endBars();
    this.#write(`  ${this.#color(32, "✔")} ${this.#color(1, label.padEnd(9))} ${sentence}\n`);
  }

  /** A further line of the step above. */
  more(sentence: string): void {
    this.#endBars();
    this.#write(`              ${sentence}\n`);
  }

  /** A line that stands on its own. */
  line(sentence = ""): void {
    this.#endBars();
    this.#write(`${sentence}\n`);
  }

  /** The progress bar of a name; on a terminal all bars stay where they are and move in place. */
  bar(name: string, percent: number, message: string): void {
    const full = Math.round((Math.min(Math.max(percent, 0), 100) / 100) * width);
    const bar = this.#color(36, "█".repeat(full)) + "░".repeat(width - full);
    const line = `    ${name.padEnd(9)} ${bar} ${String(percent).padStart(3)} %  ${message}`;
    if (line === this.#bars.get(name)) return;
    this.#bars.set(name, line);
    if (!this.#terminal) return this.#write(`${line}\n`);
    const back = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#write(back + Array.from(this.#bars.values(), (one) => `\r\x1b[K${one}\n`).join(""));
    this.#drawn = this.#bars.size;
  }

  #endBars(): void {
    this.#bars.clear();
    this.#drawn = 0;
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
