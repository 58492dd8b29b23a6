import type { Sql } from "postgres";
import type { UserBroadcast } from "./frames.ts";
import { limits } from "./limits.ts";

/** A stored message, ready to be sent again. */
export interface ReplayedMessage {
  id: string;
  broadcast: UserBroadcast;
}

interface Row {
  id: string;
  event: string | null;
  payload: string | null;
  binary_payload: Uint8Array | null;
}

/** Reads again what was broadcast from the database while a client was away. */
export class Replay {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The newest private messages of a topic since a moment (ms since 1970), oldest first. */
  async messages(topic: string, since: number, limit: number): Promise<ReplayedMessage[]> {
    const rows = await this.#sql<Row[]>`
      select id, event, payload::text as payload, binary_payload
      from realtime.messages
      where topic = ${topic}
        and private
        and extension = 'broadcast'
        and inserted_at >= to_timestamp(${since}::float8 / 1000) at time zone 'utc'
        and inserted_at < now() at time zone 'utc' + interval '1 minute'
      order by inserted_at desc
      limit ${Math.max(1, Math.min(limit, limits.replayedMessages))}`;
    return rows.reverse().map(({ id, event, payload, binary_payload }) => ({
      id,
      broadcast: {
        event: event ?? "",
        encoding: binary_payload ? "binary" : "json",
        payload: binary_payload ?? new TextEncoder().encode(payload ?? "null"),
        meta: { replayed: true, id },
      },
    }));
  }
}
