/** How `env.ts` reads variables; nobody else does. */

/** A variable is missing or unreadable. Carries names only, never a value. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

type Names = Record<string, string | undefined>;

/**
 * One variable. The CLI hands on `env(NAME)` as it stands when NAME is not set: no value, and no key
 * least of all.
 */
export function readText(name: string): string | undefined {
  const text = Deno.env.get(name);
  return text?.startsWith("env(") ? undefined : text;
}

/**
 * A group: `undefined` marks a required variable, a string is the default. All that is missing is
 * named at once.
 */
export function readGroup<T extends Names>(defaults: T): { [K in keyof T]: string } {
  const values: Names = {};
  const missing: string[] = [];
  for (const [name, fallback] of Object.entries(defaults)) {
    values[name] = readText(name) || fallback;
    if (values[name] === undefined) missing.push(name);
  }
  if (missing.length > 0) throw new ConfigurationError(`Not set: ${missing.join(", ")}`);
  return values as { [K in keyof T]: string };
}

/** Reads at the first call and never again. */
export function once<T>(read: () => T): () => T {
  let value: { read: T } | undefined;
  return () => (value ??= { read: read() }).read;
}

/** One variable that holds JSON; undefined when it is not set. */
export function readJson(name: string): unknown {
  const text = readText(name);
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigurationError(`Not valid JSON: ${name}`);
  }
}

/** The key named `default` of a `{"default": "sb_…"}` variable, or the older single-key variable. */
export function readKey(keysName: string, legacyName: string): string {
  const keys = readJson(keysName);
  const named = typeof keys === "object" && keys !== null && "default" in keys
    ? keys.default
    : undefined;
  const key = typeof named === "string" && named ? named : readText(legacyName);
  if (!key) throw new ConfigurationError(`Not set: ${keysName} (or ${legacyName})`);
  return key;
}

/** One variable that holds a number from 0 on; null when it is not set. */
export function readNumber(name: string): number | null {
  const text = readText(name);
  if (!text) return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new ConfigurationError(`Not a number: ${name}`);
  return value;
}
