import { Buffer } from "node:buffer";
import type { UserBroadcast } from "./frames.ts";
import { limits } from "./limits.ts";
import type { RowChange } from "./pgoutput.ts";
import type { Services } from "./services.ts";

/** The publication that carries new rows of `realtime.messages`. */
export const PUBLICATION = "supabase_realtime_messages_publication";

/** Is this a new row of `realtime.messages`? */
export function isMessage({ relation, type }: RowChange): boolean {
  return relation.schema === "realtime" && relation.table === "messages" && type === "INSERT";
}

/** Sends a row of `realtime.messages` to the channels of its topic. */
export function broadcastMessage(
  { hub, log, rates }: Pick<Services, "hub" | "log" | "rates">,
  { relation, record = [] }: RowChange,
): void {
  // As on the platform: beyond the rate, what the database says is not heard.
  if (rates.messages.exceededBy()) return;
  const row = new Map(relation.columns.map(({ name }, i) => [name, record[i]]));
  const [id, topic, event] = [row.get("id"), row.get("topic"), row.get("event")];
  const body = readBody(row.get("payload"), row.get("binary_payload"));
  if (!id || !topic || !event || !body) {
    log("warn", "message without topic, event or payload", { id });
    return;
  }
  if (body.payload.length > limits.broadcastBytes) {
    log("warn", "message is too large to broadcast", { id, topic });
    return;
  }
  rates.messages.add();
  hub.broadcast({ name: topic, private: row.get("private") === "t" }, {
    event,
    ...body,
    meta: { id },
  });
}

function readBody(
  json: string | null | undefined,
  bytes: string | null | undefined,
): Pick<UserBroadcast, "encoding" | "payload"> | undefined {
  if (bytes) return { encoding: "binary", payload: Buffer.from(bytes.slice(2), "hex") };
  if (json) return { encoding: "json", payload: new TextEncoder().encode(json) };
  return undefined;
}
