import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import postgres from "postgres";
import { PgOutputDecoder, type RowChange } from "./pgoutput.ts";

/** Where to read from and whom to tell. */
export interface StreamOptions {
  databaseUrl: string;
  publications: string[];
  onChange(change: RowChange): void;
  log(level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void;
}

const RETRY_MS = [100, 200, 500, 1000, 2000];
const ACKNOWLEDGE_MS = 1000;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;

/**
 * Follows a database by logical replication.
 *
 * The slot is temporary: it ends with the connection, so the server never keeps WAL for a reader
 * that is gone. What was committed while there was no connection is not seen, as on the platform.
 * Connection and copy stream are those of the `postgres` package; its own `subscribe()` would parse
 * values and drop commit times, so the messages are read here.
 */
export class ReplicationStream {
  readonly #options: StreamOptions;
  #sql?: postgres.Sql;
  #stopped = false;
  #streaming = false;
  #onStreaming = Promise.withResolvers<void>();
  #position = 0n;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** Is every commit from now on going to be seen? */
  get streaming(): boolean {
    return this.#streaming;
  }

  /** Waits until commits are seen; false when that takes too long. */
  async whenStreaming(timeoutMs: number): Promise<boolean> {
    if (this.#streaming) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#onStreaming.promise, tooLong]);
    clearTimeout(timer);
    return this.#streaming;
  }

  /** Follows the database until {@link stop}, connecting again whenever the connection ends. */
  async run(): Promise<void> {
    for (let attempt = 0; !this.#stopped; attempt++) {
      try {
        await this.#follow(() => attempt = 0);
      } catch (error) {
        if (this.#stopped) return;
        this.#options.log("warn", "replication ended, connecting again", {
          error: String(error),
        });
      }
      if (this.#streaming) this.#onStreaming = Promise.withResolvers<void>();
      this.#streaming = false;
      await this.#sql?.end({ timeout: 0 });
      const pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Ends the connection. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#sql?.end({ timeout: 0 });
  }

  async #follow(onStreaming: () => void): Promise<void> {
    const sql = postgres(this.#options.databaseUrl, {
      max: 1,
      fetch_types: false,
      idle_timeout: 0,
      max_lifetime: 0,
      connection: {
        application_name: "realtime_replication",
        replication: "database",
        // Values arrive in text form: it must not depend on the settings of the database.
        TimeZone: "UTC",
        DateStyle: "ISO",
        bytea_output: "hex",
      },
    } as postgres.Options<Record<string, never>>);
    this.#sql = sql;
    // The grammar of replication commands knows its keywords in upper case only.
    const slot = `realtime_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
    const [created] = await sql.unsafe<{ consistent_point: string }[]>(
      `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`,
    );
    if (!created) throw new Error("no replication slot was made");
    const names = this.#options.publications.map((name) => `"${name}"`).join(",");
    const stream = await sql.unsafe(
      `START_REPLICATION SLOT ${slot} LOGICAL ${created.consistent_point} ` +
        `(proto_version '1', publication_names '${names}')`,
    ).writable() as Duplex;
    this.#streaming = true;
    this.#onStreaming.resolve();
    onStreaming();
    this.#options.log("info", "replication started", { slot });
    await this.#read(stream);
  }

  #read(stream: Duplex): Promise<void> {
    const decoder = new PgOutputDecoder();
    const acknowledge = () => stream.write(standbyStatus(this.#position));
    const timer = setInterval(acknowledge, ACKNOWLEDGE_MS);
    const ended = new Promise<void>((resolve, reject) => {
      stream.on("error", reject);
      stream.on("close", resolve);
    });
    stream.on("data", (data: Uint8Array) => {
      try {
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        if (data[0] === XLOG_DATA) {
          this.#position = view.getBigUint64(9);
          const change = decoder.decode(data.subarray(25));
          if (change) this.#options.onChange(change);
        } else if (data[0] === KEEPALIVE) {
          this.#position = view.getBigUint64(1);
          if (data[17] === 1) acknowledge();
        }
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    return ended.finally(() => clearInterval(timer));
  }
}

// Everything received counts as kept: nothing here is ever read twice.
function standbyStatus(position: bigint): Buffer {
  const status = Buffer.alloc(34);
  status.write("r");
  for (const offset of [1, 9, 17]) status.writeBigUInt64BE(position, offset);
  status.writeBigInt64BE(BigInt(Date.now() - Date.UTC(2000, 0, 1)) * 1000n, 25);
  return status;
}
