/** Short words for the rows of the table. */
import type { FaultSwitch, Platform, Row } from "./rows.ts";

type Outcome = Omit<Row, "title" | "on" | "faults">;
/** Alone. */
export const instagram: Platform[] = ["instagram"];
/** Alone. */
export const youtube: Platform[] = ["youtube"];
/** Alone. */
export const tiktok: Platform[] = ["tiktok"];

/** Strikes the list's second page once, unless said otherwise. */
export const onList = (
  kind: FaultSwitch["kind"],
  change: Partial<FaultSwitch> = {},
): FaultSwitch => ({
  kind,
  at: "list",
  page: 2,
  ...change,
});
/** Strikes every renewal of a token. */
export const onToken = (kind: FaultSwitch["kind"]): FaultSwitch => ({
  kind,
  at: "token",
  count: null,
});
/** A row. */
export const row = (
  title: string,
  on: readonly Platform[],
  faults: readonly FaultSwitch[],
  outcome: Outcome,
): Row => ({ title, on, faults, ...outcome });
/** A row for a code of Meta's. */
export const graph = (title: string, code: number, subcode: number | undefined, outcome: Outcome) =>
  row(`\`graph_error\` ${title}`, instagram, [onList("graph_error", { code, subcode })], outcome);
