const decoder = new TextDecoder();

/** A cursor over one message of the server. */
export class ByteReader {
  readonly #view: DataView;
  #offset = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  char(): string {
    return String.fromCharCode(this.#view.getUint8(this.#offset++));
  }

  int16(): number {
    return this.#view.getInt16((this.#offset += 2) - 2);
  }

  uint32(): number {
    return this.#view.getUint32((this.#offset += 4) - 4);
  }

  uint64(): bigint {
    return this.#view.getBigUint64((this.#offset += 8) - 8);
  }

  text(length: number): string {
    return decoder.decode(this.bytes.subarray(this.#offset, this.#offset += length));
  }

  /** Text up to the next zero byte. */
  cString(): string {
    const end = this.bytes.indexOf(0, this.#offset);
    const text = decoder.decode(this.bytes.subarray(this.#offset, end));
    this.#offset = end + 1;
    return text;
  }
}
