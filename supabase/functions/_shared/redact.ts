/**
 * Nothing that grants access or names a person by e-mail gets out: fields are redacted by name, and
 * every string by the look of its content.
 */

type Fields = Record<string, unknown>;

/** What stands in place of a secret. */
export const HIDDEN = "[redacted]";
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

/** An id of a job or a user, in which none of these finds a secret. */
const ID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/** Is this a text that needs no redaction, and no quoting in JSON? */
export function isId(text: string): boolean {
  return text.length === 36 && ID.test(text);
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
  return redactFields(value as Fields, depth);
}

/** As `redact()`; fields with the name of a secret are hidden, whatever they say. */
export function redactFields(fields: Fields, depth = 0): Fields {
  const copy = { ...fields };
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    const safe = hides(name, value) ? HIDDEN : redact(value, depth + 1);
    if (safe !== value) copy[name] = safe;
  }
  return copy;
}

/** May nobody see the value of this field? */
export function hides(name: string, value: unknown): boolean {
  const canHold = typeof value === "string" || (typeof value === "object" && value !== null);
  return canHold && SECRET_NAME.test(name);
}

function redactError(error: Error, depth: number): Fields {
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
