/** A client that joins a channel and then never reads again, as a phone in a tunnel does. */

/** A WebSocket spoken by hand, so that nobody empties its receive buffer. */
export class DeafReader implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Joins a public or private topic and reads no further than the answer to that. */
  static async join(
    { apiUrl, key, token, topic }: { apiUrl: string; key: string; token: string; topic: string },
  ): Promise<DeafReader> {
    const { hostname, port, host } = new URL(apiUrl);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const reader = new DeafReader(connection);
    await reader.#write([
      `GET /realtime/v1/websocket?vsn=1.0.0&apikey=${key} HTTP/1.1`,
      `host: ${host}`,
      "connection: Upgrade",
      "upgrade: websocket",
      "sec-websocket-version: 13",
      `sec-websocket-key: ${btoa("sixteen bytes ok")}`,
      "\r\n",
    ].join("\r\n"));
    await reader.#readUntil("\r\n\r\n");
    await reader.#send({
      topic: `realtime:${topic}`,
      event: "phx_join",
      payload: { config: { private: true }, access_token: token },
      ref: "1",
      join_ref: "1",
    });
    const answer = await reader.#readUntil("phx_reply");
    if (!answer.includes('"status":"ok"')) throw new Error(`the join was refused: ${answer}`);
    return reader;
  }

  /** Reads all that is left; true when the other side has ended the connection for its slowness. */
  async wasDropped(withinMs: number): Promise<boolean> {
    const drained = this.#readUntil("Too slow", 256 * 1024).then(() => true, () => false);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<boolean>((done) => timer = setTimeout(done, withinMs, false));
    return await Promise.race([drained, tooLong]).finally(() => clearTimeout(timer));
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // It is closed.
    }
  }

  async #write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  // A client's frames are masked; a mask of zeros leaves the text as it is.
  async #send(frame: Record<string, unknown>): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(frame));
    const head = [0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0];
    await this.#write(Uint8Array.from([...head, ...text]));
  }

  async #readUntil(mark: string, chunkBytes = 4096): Promise<string> {
    const chunk = new Uint8Array(chunkBytes);
    const decoder = new TextDecoder("latin1");
    let text = "";
    while (!text.includes(mark)) {
      const size = await this.#connection.read(chunk);
      if (size === null) throw new Error(`the connection ended after: ${text}`);
      // The mark may lie across two chunks.
      text = text.slice(-500) + decoder.decode(chunk.subarray(0, size));
    }
    return text;
  }
}
