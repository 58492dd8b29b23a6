/** What breaks a rule is found by a query over the jobs and over the history that the witness wrote down. */

/** A rule as a sentence, and a query for what breaks it. */
export type Rule = readonly [title: string, query: string];

/** Ends by its own hand or by the engine's; from here only a manual retry leads back. */
export const ended = "('completed', 'failed', 'cancelled')";
