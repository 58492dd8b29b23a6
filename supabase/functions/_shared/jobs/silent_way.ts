/** The way to a database, in tests: a TCP proxy whose connections can fall silent without closing. */
export class SilentWay {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  #silenced = new WeakSet<Deno.TcpConn>();
  /** New connections are silent from the start. */
  isDead = false;

  constructor(private readonly target: { hostname: string; port: number }) {
    this.#serve();
  }

  /** The same database, by this way. */
  static to(url: string): { way: SilentWay; url: string } {
    const parsed = new URL(url);
    const way = new SilentWay({ hostname: parsed.hostname, port: Number(parsed.port) });
    parsed.port = String((way.#listener.addr as Deno.NetAddr).port);
    return { way, url: parsed.href };
  }

  /** Whoever is connected now hears nothing any more, and is not heard. */
  silence(): void {
    for (const connection of this.#open) this.#silenced.add(connection);
  }

  close(): void {
    this.#listener.close();
    for (const connection of this.#open) end(connection);
  }

  async #serve(): Promise<void> {
    for await (const near of this.#listener) {
      const far = await Deno.connect(this.target);
      this.#carry(near, far);
      this.#carry(far, near);
    }
  }

  async #carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    this.#open.add(from);
    if (this.isDead) this.#silenced.add(from);
    try {
      for await (const bytes of from.readable) {
        if (!this.#silenced.has(from)) await write(to, bytes);
      }
    } catch {
      // One side has gone; so does the other.
    }
    this.#open.delete(from);
    if (!this.#silenced.has(from)) end(to);
    end(from);
  }
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function end(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It has ended already.
  }
}
