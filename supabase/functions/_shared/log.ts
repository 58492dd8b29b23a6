/**
 * JSON lines on stdout, one event each. Nothing that grants access or names a person by e-mail gets
 * out: fields are redacted by name, and every string by the look of its content.
 */

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

const HIDDEN = "[redacted]";
/** The platform cuts a line at 10 000 characters; a cut line is no longer JSON. */
const MAX_LINE = 9_000;
const MAX_STRING = 2_000;
const MAX_DEPTH = 6;

const SECRET_NAME =
  /^(code|state|key|jwt)$|token|secret|password|authorization|api_?key|cookie|verifier|credential|e-?mail/i;
const SECRET_LOOKS: [RegExp, string][] = [
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN], // JWT
  [/\bsb_(?:secret|publishable)_[\w-]+/g, HIDDEN],
  [/\bsv_automation_[\w-]+/g, HIDDEN],
  [/\bya29\.[\w.-]+/g, HIDDEN], // Google access token
  [/\b[14]\/\/?0[\w-]{8,}/g, HIDDEN], // Google refresh token and authorization code
  [/\bbearer\s+[^\s"',]+/gi, `Bearer ${HIDDEN}`],
  [
    /([?&\s"']|^)((?:access_|refresh_|id_)?token|code|state|code_verifier|client_secret|key|apikey)=[^&\s"'#]+/gi,
    `$1$2=${HIDDEN}`,
  ],
  [/(\w+:\/\/[^\s:/@]+):[^\s@/]+@/g, `$1:${HIDDEN}@`], // password in a URL
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, HIDDEN], // e-mail
];

/** Hides what looks like a credential or an e-mail address in a text. */
export function redactText(text: string): string {
  let result = text;
  for (const [look, replacement] of SECRET_LOOKS) result = result.replace(look, replacement);
  return result.length > MAX_STRING ? `${result.slice(0, MAX_STRING)}…` : result;
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
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      hides(name, item) ? HIDDEN : redact(item, depth + 1),
    ]),
  );
}

function hides(name: string, value: unknown): boolean {
  return SECRET_NAME.test(name) && value !== null && ["string", "object"].includes(typeof value);
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
  write: (line: string) => void = (line) => console.log(line),
): Logger {
  function emit(level: LogLevel, message: string, fields: LogFields = {}) {
    const head = { level, time: new Date().toISOString(), message: redactText(message) };
    const line = JSON.stringify({ ...head, ...redact({ ...context, ...fields }) as LogFields });
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

function shorten(context: LogFields): LogFields {
  const short = Object.entries(context).filter(([, value]) => typeof value !== "object");
  return { ...redact(Object.fromEntries(short)) as LogFields, truncated: true };
}
