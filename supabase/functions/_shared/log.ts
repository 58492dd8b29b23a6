/**
 * JSON lines on stdout, one event each. Nothing that grants access or names a person by e-mail gets
 * out: fields are redacted by name, and every string by the look of its content.
 */

/** How loud a line is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Additional facts of a line. */
export type LogFields = Record<string, unknown>;

/** What each line begins with. */
interface Head {
  level: LogLevel;
  time: string;
  message: string;
}

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
const HIDDEN = "[redacted]";
/** The platform cuts a line at 10 000 characters; a cut line is no longer JSON. */
const MAX_LINE = 9_000;
const MAX_STRING = 2_000;
const MAX_DEPTH = 6;

const SECRET_NAME =
  /^(code|state|key|jwt)$|token|secret|password|authorization|api_?key|cookie|verifier|credential|e-?mail/i;
/** What every secret below has somewhere: one look clears most texts (ids, job types, outcomes). */
const MAY_BE_SECRET = /[=@]|eyJ|s[bv]_|ya29|[14]\/|bearer|IGAA|EAA/i;

/**
 * No part of a text is read again from many starting points, so that the work grows with the text's
 * length and not with its square: a run that turns out harmless is consumed and put back as it was.
 */
const SECRET_LOOKS: [RegExp, (found: string, ...parts: (string | undefined)[]) => string][] = [
  [/\beyJ[\w-]+(\.[\w-]+(?:\.[\w-]*)?)?/g, hiddenIfMore], // JWT
  [/\bsb_(?:secret|publishable)_[\w-]+/g, hidden],
  [/\bsv_automation_[\w-]+/g, hidden],
  [/\bya29\.[\w.-]+/g, hidden], // Google access token
  [/\b[14]\/\/?0[\w-]{8,}/g, hidden], // Google refresh token and authorization code
  [/\b(?:IGAA|EAA)[\w-]{16,}/g, hidden], // Meta access token
  [/\bbearer\s+[^\s"',]+/gi, () => `Bearer ${HIDDEN}`],
  [
    /([?&\s"']|^)((?:access_|refresh_|id_|input_|fb_exchange_)?token|appsecret_proof|code|state|code_verifier|client_secret|key|apikey)=[^&\s"'#]+/gi,
    (_, before, name) => `${before}${name}=${HIDDEN}`,
  ],
  [/(\b\w+:\/\/[^\s:/@]+):[^\s@/]+@/g, (_, before) => `${before}:${HIDDEN}@`], // password in a URL
  [/[\w.+-]+(@[\w-]+(?:\.[\w-]+)+)?/g, hiddenIfMore], // e-mail
];

function hidden(): string {
  return HIDDEN;
}

function hiddenIfMore(found: string, more: string | undefined): string {
  return more === undefined ? found : HIDDEN;
}

/** Hides what looks like a credential or an e-mail address in a text. */
export function redactText(text: string): string {
  const result = MAY_BE_SECRET.test(text) ? withoutSecrets(text) : text;
  return result.length > MAX_STRING ? `${result.slice(0, MAX_STRING)}…` : result;
}

function withoutSecrets(text: string): string {
  let result = text;
  for (const [look, replacement] of SECRET_LOOKS) result = result.replace(look, replacement);
  return result;
}

/** The beginning of a text as PostgreSQL can store it: no NUL, no half of a pair where it was cut. */
export function storableText(text: string, maxLength: number): string {
  return text.replaceAll("\0", "").slice(0, maxLength).toWellFormed();
}

/** A copy that is safe to log. Numbers and booleans pass whatever their name (`fencing_token`). */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "[deep]";
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return redactFields(value as LogFields, depth);
}

function redactFields(fields: LogFields, depth = 0): LogFields {
  const copy = { ...fields };
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    const safe = hides(name, value) ? HIDDEN : redact(value, depth + 1);
    if (safe !== value) copy[name] = safe;
  }
  return copy;
}

function hides(name: string, value: unknown): boolean {
  const canHold = typeof value === "string" || (typeof value === "object" && value !== null);
  return canHold && SECRET_NAME.test(name);
}

function redactError(error: Error, depth: number): LogFields {
  const { name, message, stack, cause } = error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    name,
    message: redactText(message),
    ...(code && { error_code: redactText(code) }),
    ...(stack && { stack: redactText(stack) }),
    ...(cause !== undefined && { cause: redact(cause, depth + 1) }),
  };
}

/** A logger that adds `context` to each line. `write` is for tests. */
export function createLogger(
  context: LogFields = {},
  // One call for each line: the platform makes one event of each call, and cuts it by its length.
  write: (line: string) => void = (line) => console.log(line),
): Logger {
  const names = Object.keys(context);
  const taken = new Set([...HEAD_NAMES, ...names]);
  const isOrdinary = taken.size === HEAD_NAMES.length + names.length;
  const always = membersOf(redactFields(context));

  function emit(level: LogLevel, message: string, fields: LogFields = {}) {
    const head = { level, time: timestamp(), message: redactText(message) };
    const line = isOrdinary && !Object.keys(fields).some((name) => taken.has(name))
      ? `${opening(head)}${always}${membersOf(redactFields(fields))}}`
      : JSON.stringify({ ...head, ...redactFields({ ...context, ...fields }) });
    write(line.length <= MAX_LINE ? line : JSON.stringify({ ...head, ...shorten(context) }));
  }
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warning: (message, fields) => emit("warning", message, fields),
    error: (message, fields) => emit("error", message, fields),
    with: (fields) => createLogger({ ...context, ...fields }, write),
  };
}

function opening({ level, time, message }: Head): string {
  return `{"level":"${level}","time":"${time}","message":${JSON.stringify(message)}`;
}

/** Further members of a JSON object, each with the comma before it. */
function membersOf(fields: LogFields): string {
  const json = JSON.stringify(fields);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}

let latestSecond = NaN;
let untilSecond = "";

/** The time as `toISOString()` has it, which takes longer than the rest of a line. */
function timestamp(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== latestSecond) {
    latestSecond = second;
    untilSecond = new Date(now).toISOString().slice(0, -"000Z".length);
  }
  return `${untilSecond}${String(now % 1000).padStart(3, "0")}Z`;
}

function shorten(context: LogFields): LogFields {
  const short = Object.entries(context).filter(([, value]) => typeof value !== "object");
  return { ...redact(Object.fromEntries(short)) as LogFields, truncated: true };
}
