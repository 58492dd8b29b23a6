/** From here on a log becomes the old one, so that a stack that runs for weeks fills no disk. */
const largestBytes = 10_000_000;

/** Appends to a file at once; a file that has grown large becomes `<path>.1`, replacing that one. */
export class LogFile implements Disposable {
  readonly #path: string;
  readonly #largestBytes: number;
  #file: Deno.FsFile;
  #size: number;

  constructor(path: string, largest = largestBytes) {
    this.#path = path;
    this.#largestBytes = largest;
    this.#file = this.#open();
    this.#size = this.#file.statSync().size;
  }

  write(bytes: Uint8Array): void {
    if (this.#size >= this.#largestBytes) this.#turnOver();
    for (let sent = 0; sent < bytes.length;) sent += this.#file.writeSync(bytes.subarray(sent));
    this.#size += bytes.length;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #turnOver(): void {
    this.#file.close();
    Deno.renameSync(this.#path, `${this.#path}.1`);
    this.#file = this.#open();
    this.#size = 0;
  }

  #open(): Deno.FsFile {
    return Deno.openSync(this.#path, { append: true, create: true });
  }
}
