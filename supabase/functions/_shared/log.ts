/** JSON lines on stdout, one event each, from which secrets are redacted. */
import { HIDDEN, hides, isId, redact, redactFields, redactText } from "./redact.ts";

/** How loud a line is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Additional facts of a line. */
export type LogFields = Record<string, unknown>;

/** Writes lines that all carry the same context. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields as well. */
  with(fields: LogFields): Logger;
}

const HEAD_NAMES = ["level", "time", "message"];
/** The platform cuts a line at 10 000 characters; a cut line is no longer JSON. */
const MAX_LINE = 9_000;

/** A logger that adds `context` to each line. `write` is for tests. */
export function createLogger(
  context: LogFields = {},
  // One call for each line: the platform makes one event of each call, and cuts it by its length.
  write: (line: string) => void = (line) => console.log(line),
): Logger {
  const taken = new Set([...HEAD_NAMES, ...Object.keys(context)]);
  const isOrdinary = taken.size === HEAD_NAMES.length + Object.keys(context).length;
  const always = membersOf(context)!;

  let latest = { level: "", message: "", time: "", head: "", beginning: "" };

  /** What lines begin with. Many say the same in the same millisecond. */
  function begin(level: LogLevel, message: string) {
    const time = timestamp();
    const { level: saidLevel, message: said, time: saidAt } = latest;
    if (time !== saidAt || message !== said || level !== saidLevel) {
      const head = `{"level":"${level}","time":"${time}"${memberOf("message", message)}`;
      latest = { level, message, time, head, beginning: head + always };
    }
    return latest;
  }

  function emit(level: LogLevel, message: string, fields: LogFields = {}) {
    const { beginning, head } = begin(level, message);
    const members = isOrdinary ? membersOf(fields, taken) : null;
    const line = members !== null
      ? `${beginning}${members}}`
      : replacing(head, redactFields({ ...context, ...fields }));
    write(line.length <= MAX_LINE ? line : replacing(head, shorten(context)));
  }
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warning: (message, fields) => emit("warning", message, fields),
    error: (message, fields) => emit("error", message, fields),
    with: (fields) => createLogger({ ...context, ...fields }, write),
  };
}

/** What is known of a field by its name, of which the code has few; and the text it had last. */
const knownFields = new Map<
  string,
  { start: string; isSecret: boolean; text: string; json: string }
>();

/** A line in which fields may stand in place of what it begins with. */
function replacing(head: string, fields: LogFields): string {
  return JSON.stringify({ ...JSON.parse(`${head}}`), ...fields });
}

/** Further members of a JSON object, redacted, each with the comma before it; null if one is taken. */
function membersOf(fields: LogFields, taken?: Set<string>): string | null {
  let members = "";
  for (const name of Object.keys(fields)) {
    if (taken?.has(name)) return null;
    members += memberOf(name, fields[name]);
  }
  return members;
}

/** `JSON.stringify(redactFields())`, for a line is written per job and most say nearly the same. */
function memberOf(name: string, value: unknown): string {
  let field = knownFields.get(name);
  if (!field) {
    field = {
      start: `,${JSON.stringify(name)}:`,
      isSecret: hides(name, ""),
      text: "",
      json: '""',
    };
    knownFields.set(name, field);
  }
  if (Number.isFinite(value)) return `${field.start}${value}`;
  if (typeof value === "string" && !field.isSecret) {
    if (isId(value)) return `${field.start}"${value}"`;
    if (value !== field.text) {
      field.json = JSON.stringify(redactText(value));
      field.text = value;
    }
    return field.start + field.json;
  }
  const json = JSON.stringify(hides(name, value) ? HIDDEN : redact(value, 1));
  return json === undefined ? "" : field.start + json;
}

let latest = NaN;
let latestSecond = NaN;
let untilSecond = "";
let latestTime = "";

/** The time as `toISOString()` has it, which takes longer than the rest of a line. */
function timestamp(): string {
  const now = Date.now();
  if (now === latest) return latestTime;
  const second = Math.floor(now / 1000);
  if (second !== latestSecond) {
    latestSecond = second;
    untilSecond = new Date(now).toISOString().slice(0, -"000Z".length);
  }
  latest = now;
  return latestTime = `${untilSecond}${String(now % 1000).padStart(3, "0")}Z`;
}

function shorten(context: LogFields): LogFields {
  const short = Object.entries(context).filter(([, value]) => typeof value !== "object");
  return { ...redact(Object.fromEntries(short)) as LogFields, truncated: true };
}
