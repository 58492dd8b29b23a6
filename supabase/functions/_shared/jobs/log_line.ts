import { redact, storableText } from "../redact.ts";
import type { Lease, LogLevel, LogLine } from "./job_store.ts";

const MAX_MESSAGE = 2_000;
const MAX_METADATA = 8_000;
/** As JSON writes it: NUL, or half a character. */
const MAY_BE_UNSTORABLE = /\\u(?:0000|d[89a-f])/;
/** Of most lines: not looked through. */
export const none: Record<string, unknown> = {};

/** A line, and how much it takes as JSON text. */
export interface Sized {
  line: LogLine;
  size: number;
}

/** A line as it can be stored, of which nothing grants access. */
export function lineOf(
  lease: Lease,
  level: LogLevel,
  message: string,
  given: Record<string, unknown>,
): Sized {
  const text = storableText(String(redact(message)), MAX_MESSAGE);
  const { metadata, size } = given === none ? { metadata: none, size: 2 } : small(redact(given));
  const line = {
    job_id: lease.job_id,
    fencing_token: lease.fencing_token,
    log_level: level,
    message: text,
    metadata,
    created_at: new Date().toISOString(),
  };
  return { line, size: text.length + size };
}

function small(metadata: unknown): { metadata: Record<string, unknown>; size: number } {
  const text = JSON.stringify(
    metadata,
    (_, value) => typeof value === "string" ? storableText(value, MAX_METADATA) : value,
  );
  if (text === undefined || text.length > MAX_METADATA) {
    return { metadata: { left_out: "metadata too large" }, size: 0 };
  }
  const read = MAY_BE_UNSTORABLE.test(text) ? storableKeys : undefined;
  return { metadata: JSON.parse(text, read) as Record<string, unknown>, size: text.length };
}

function storableKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [storableText(key, MAX_METADATA), item]),
  );
}
