/** A log that is written at once, so that a crash does not take its own explanation along. */
export class LogFile {
  readonly #path: string;
  readonly #largestBytes: number;
  #file: Deno.FsFile;
  #size: number;

  /** A file that has grown large becomes `<path>.1`, in the place of the one before. */
  constructor(path: string, largestBytes = 20_000_000) {
    this.#path = path;
    this.#largestBytes = largestBytes;
    this.#file = this.#open();
    this.#size = this.#file.statSync().size;
  }

  write(bytes: Uint8Array): void {
    if (this.#size >= this.#largestBytes) {
      this.#file.close();
      Deno.renameSync(this.#path, `${this.#path}.1`);
      this.#file = this.#open();
      this.#size = 0;
    }
    this.#size += bytes.length;
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }

  close(): void {
    this.#file.close();
  }

  #open(): Deno.FsFile {
    return Deno.openSync(this.#path, { append: true, create: true });
  }
}
