/**
 * The two serialisations of Phoenix channel frames that supabase-js speaks.
 *
 * Version 1.0.0 sends JSON objects, version 2.0.0 JSON arrays and, for broadcasts, binary frames
 * whose payload the server passes on without looking into it.
 */

/** Serialisation of one socket. */
export type Version = "1.0.0" | "2.0.0";

/** A frame that a client sent. */
export interface ClientFrame {
  topic: string;
  event: string;
  payload: Record<string, unknown>;
  ref: string | null;
  joinRef: string | null;
  /** Set instead of a meaningful `payload` when the frame is a binary broadcast. */
  broadcast?: UserBroadcast;
}

/** A broadcast whose payload is opaque to the server. */
export interface UserBroadcast {
  event: string;
  encoding: "json" | "binary";
  payload: Uint8Array;
  meta?: Record<string, unknown>;
}

/** What goes out on a socket. */
export type Wire = string | Uint8Array<ArrayBuffer>;

const PUSH_KIND = 3;
const BROADCAST_KIND = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads a text frame; throws on anything that is not a frame. */
export function decodeText(version: Version, text: string): ClientFrame {
  const json: unknown = JSON.parse(text);
  if (version === "2.0.0") {
    if (!Array.isArray(json)) throw new Error("a version 2 frame is an array");
    const [joinRef, ref, topic, event, payload] = json as unknown[];
    return frame({ joinRef, ref, topic, event, payload });
  }
  const { join_ref, ref, topic, event, payload } = json as Record<string, unknown>;
  return frame({ joinRef: join_ref, ref, topic, event, payload });
}

function frame(parts: Record<"joinRef" | "ref" | "topic" | "event" | "payload", unknown>) {
  const { topic, event, payload } = parts;
  if (typeof topic !== "string" || typeof event !== "string") {
    throw new Error("a frame needs a topic and an event");
  }
  return {
    topic,
    event,
    payload: isRecord(payload) ? payload : {},
    ref: reference(parts.ref),
    joinRef: reference(parts.joinRef),
  };
}

function reference(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Narrows to a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a binary frame (a client's broadcast); throws on any other kind. */
export function decodeBinary(bytes: Uint8Array): ClientFrame {
  const [kind, joinRefSize = 0, refSize = 0, topicSize = 0, eventSize = 0, metaSize = 0, json] =
    bytes;
  if (kind !== PUSH_KIND || json === undefined) throw new Error("unknown binary frame");
  let offset = 7;
  const take = (size: number) => decoder.decode(bytes.subarray(offset, offset += size));
  const joinRef = take(joinRefSize) || null;
  const ref = take(refSize) || null;
  const topic = take(topicSize);
  const event = take(eventSize);
  offset += metaSize;
  const payload = bytes.slice(offset);
  // Passed on inside a JSON text for version 1 readers, so it must be JSON.
  if (json === 1) JSON.parse(decoder.decode(payload));
  const encoding = json === 1 ? "json" : "binary";
  return {
    topic,
    event: "broadcast",
    payload: {},
    ref,
    joinRef,
    broadcast: { event, encoding, payload },
  };
}

/** A frame whose payload is already JSON text. */
export function encodeRaw(
  version: Version,
  topic: string,
  event: string,
  payload: string,
  refs: { ref?: string | null; joinRef?: string | null } = {},
): string {
  const ref = JSON.stringify(refs.ref ?? null);
  const joinRef = JSON.stringify(refs.joinRef ?? null);
  const name = JSON.stringify(topic);
  const kind = JSON.stringify(event);
  return version === "2.0.0"
    ? `[${joinRef},${ref},${name},${kind},${payload}]`
    : `{"topic":${name},"event":${kind},"payload":${payload},"ref":${ref},"join_ref":${joinRef}}`;
}

/** A broadcast for one reader; null when its version cannot carry it (raw bytes in version 1). */
export function encodeBroadcast(
  version: Version,
  topic: string,
  broadcast: UserBroadcast,
): Wire | null {
  const meta = broadcast.meta ? JSON.stringify(broadcast.meta) : "";
  if (version === "2.0.0") {
    const fields = [topic, broadcast.event, meta].map((field) => encoder.encode(field));
    if (fields.every((field) => field.length <= 255)) {
      return joinBytes(
        Uint8Array.of(
          BROADCAST_KIND,
          ...fields.map((field) => field.length),
          broadcast.encoding === "json" ? 1 : 0,
        ),
        ...fields,
        broadcast.payload,
      );
    }
  }
  if (broadcast.encoding === "binary") return null;
  const payload = `{"type":"broadcast","event":${JSON.stringify(broadcast.event)},"payload":${
    decoder.decode(broadcast.payload)
  }${meta && `,"meta":${meta}`}}`;
  return encodeRaw(version, topic, "broadcast", payload);
}

function joinBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
