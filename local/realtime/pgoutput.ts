/**
 * Reads the messages of PostgreSQL's `pgoutput` plugin, protocol version 1.
 *
 * Values stay in PostgreSQL's text form: what becomes of them is the reader's business.
 */
import { ByteReader } from "./byte_reader.ts";

/** A column as the stream announces it. */
export interface StreamColumn {
  name: string;
  typeOid: number;
  /** Part of the replica identity. */
  isKey: boolean;
}

/** A table as the stream announces it. */
export interface Relation {
  oid: number;
  schema: string;
  table: string;
  /** `d` primary key, `f` full row, `i` an index, `n` nothing. */
  replicaIdentity: string;
  columns: StreamColumn[];
}

/** One value: null, or absent when the server did not send it (large and unchanged, or not key). */
export type Value = string | null | undefined;

/** One changed row. */
export interface RowChange {
  type: "INSERT" | "UPDATE" | "DELETE";
  relation: Relation;
  /** In the order of the relation's columns. */
  record?: Value[];
  oldRecord?: Value[];
  committedAt: Date;
  /** The transaction that made the change. */
  transactionId: number;
}

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

/** Turns the messages of one stream into row changes. */
export class PgOutputDecoder {
  readonly #relations = new Map<number, Relation>();
  #committedAt = new Date(0);
  #transactionId = 0;

  /** The row change in this message, if it is one. */
  decode(message: Uint8Array): RowChange | undefined {
    const reader = new ByteReader(message);
    switch (reader.char()) {
      case "B":
        reader.uint64();
        this.#committedAt = new Date(POSTGRES_EPOCH_MS + Number(reader.uint64() / 1000n));
        this.#transactionId = reader.uint32();
        return undefined;
      case "R":
        this.#addRelation(reader);
        return undefined;
      case "I":
        return this.#change("INSERT", reader);
      case "U":
        return this.#change("UPDATE", reader);
      case "D":
        return this.#change("DELETE", reader);
      default:
        // Commits, truncates, types and origins concern no subscriber.
        return undefined;
    }
  }

  #addRelation(reader: ByteReader): void {
    const oid = reader.uint32();
    const schema = reader.cString() || "pg_catalog";
    const table = reader.cString();
    const replicaIdentity = reader.char();
    const columns = Array.from({ length: reader.int16() }, () => {
      const isKey = reader.char() === "\x01";
      const name = reader.cString();
      const typeOid = reader.uint32();
      reader.uint32();
      return { name, typeOid, isKey };
    });
    this.#relations.set(oid, { oid, schema, table, replicaIdentity, columns });
  }

  #change(type: RowChange["type"], reader: ByteReader): RowChange | undefined {
    const relation = this.#relations.get(reader.uint32());
    if (!relation) return undefined;
    const change: RowChange = {
      type,
      relation,
      committedAt: this.#committedAt,
      transactionId: this.#transactionId,
    };
    let kind = reader.char();
    if (kind === "K" || kind === "O") {
      const sent = readRow(reader);
      // A key tuple holds nulls for the columns that are not part of the key.
      change.oldRecord = kind === "O"
        ? sent
        : sent.map((value, i) => relation.columns[i]?.isKey ? value : undefined);
      if (type === "UPDATE") kind = reader.char();
    }
    if (kind === "N") change.record = readRow(reader);
    return change;
  }
}

function readRow(reader: ByteReader): Value[] {
  return Array.from({ length: reader.int16() }, () => {
    switch (reader.char()) {
      case "n":
        return null;
      case "u":
        return undefined;
      default:
        return reader.text(reader.uint32());
    }
  });
}
