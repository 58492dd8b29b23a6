/** The rows, in the order of the document. */
import { grants, limits } from "./refusals.ts";
import type { Row } from "./rows.ts";
import { answers, lists } from "./strange_answers.ts";

/** By heading of the document. */
export const table: Record<string, readonly Row[]> = {
  "Tokens and permissions": grants,
  "Limits and quotas": limits,
  "Answers that are none": answers,
  "Lists that are not as promised": lists,
};
