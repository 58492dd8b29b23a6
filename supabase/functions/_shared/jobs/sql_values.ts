import { NotJson } from "./pool.ts";

/** A PostgreSQL array of names, ids or numbers: values that need no quotes. */
export function listOf(values: readonly (string | number)[]): string {
  return `{${values.join()}}`;
}

export function itemsOf(list: string): string[] {
  return list === "{}" ? [] : list.slice(1, -1).split(",");
}

/** Classes 22 (data) and 54 (limits), constraint violations, and our own PT4xx refusals. */
export function isBadInput(error: unknown): boolean {
  if (error instanceof NotJson) return true;
  const code = (error as { code?: unknown })?.code;
  return typeof code === "string" && /^(22|23|54)\w{3}$|^PT4\d\d$/.test(code);
}

/** Somebody held what a statement had to wait for, and for longer than its `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return (error as { code?: unknown })?.code === "55P03";
}
