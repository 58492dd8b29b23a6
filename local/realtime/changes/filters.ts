import type { Sql } from "postgres";
import type { Value } from "../pgoutput.ts";
import type { Column } from "./tables.ts";

/** One condition on one column of a changed row: `column=operator.value`. */
export interface Filter {
  column: string;
  operator: Operator;
  negated: boolean;
  /** For `in`: a PostgreSQL array. */
  value: string;
}

/** Each operator as SQL over the row's value `r` and the filter's `f`, both of the column's type. */
const OPERATORS = {
  eq: "r = f",
  neq: "r <> f",
  lt: "r < f",
  lte: "r <= f",
  gt: "r > f",
  gte: "r >= f",
  in: "r = any(f)",
  is: "r is not distinct from f",
  isdistinct: "r is distinct from f",
  like: "r::text like f",
  ilike: "r::text ilike f",
  match: "r::text ~ f",
  imatch: "r::text ~* f",
} as const;
/** Operators whose right side is text, whatever the column. */
const TEXT_OPERATORS = new Set<Operator>(["like", "ilike", "match", "imatch"]);
/** Types that have one text form per value, so that equality needs no database. */
const CANONICAL = new Set(["uuid", "text", "varchar", "bool", "int2", "int4", "int8"]);
const MAX_ITEMS = 100;

type Operator = keyof typeof OPERATORS;

/** Reads `a=eq.1,b=not.in.(x,y)`; throws with the part that is wrong. */
export function parseFilters(text: string): Filter[] {
  return splitOutsideBrackets(text.trim()).filter((part) => part !== "").map(parseFilter);
}

function parseFilter(text: string): Filter {
  const [, column, negation, name, value] = /^([^=]+)=(not\.)?(\w+)\.(.*)$/s.exec(text) ?? [];
  const operator = name as Operator;
  if (!column || value === undefined || !Object.hasOwn(OPERATORS, operator)) {
    throw new Error(JSON.stringify(text.split("=").slice(1).join("=").split(".") || [text]));
  }
  const filter = { column, operator, negated: negation !== undefined, value };
  if (operator !== "in") return filter;
  const list = /^\((.*)\)$/s.exec(value)?.[1];
  if (list === undefined) throw new Error("`in` filter value must be wrapped by parentheses");
  const items = splitOutsideBrackets(list);
  if (items.length > MAX_ITEMS) throw new Error(`\`in\` takes at most ${MAX_ITEMS} items`);
  return { ...filter, value: arrayLiteral(items.map(unquote)) };
}

// Commas inside parentheses or double quotes belong to a value.
function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted && char === "\\") {
      part += char + (text[++i] ?? "");
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (!quoted && char === "(") depth++;
    else if (!quoted && char === ")") depth--;
    if (char === "," && depth === 0 && !quoted) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part];
}

function unquote(item: string): string {
  return /^".*"$/s.test(item) ? item.slice(1, -1).replace(/\\(.)/gs, "$1") : item;
}

function arrayLiteral(items: string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** The SQL type of a filter's right side. */
function rightType(filter: Filter, column: Column): string {
  if (TEXT_OPERATORS.has(filter.operator)) return "text";
  return filter.operator === "in" ? `${column.sqlType}[]` : column.sqlType;
}

const rightValue = (filter: Filter) =>
  filter.operator === "is" && filter.value === "null" ? null : filter.value;

/** The filter with its value as PostgreSQL writes it; throws when it is no value of the type. */
export async function canonicalFilter(sql: Sql, filter: Filter, column: Column): Promise<Filter> {
  const [row] = await sql.unsafe<{ value: string | null }[]>(
    `select ($1::text)::${rightType(filter, column)}::text as value`,
    [rightValue(filter)],
  );
  return { ...filter, value: row?.value ?? filter.value };
}

/** A filter and the row's value that it is about. */
export interface Question {
  filter: Filter;
  column: Column;
  value: Value;
}

/** Answers many questions, in order, with at most one query per type and operator. */
export async function matches(sql: Sql, questions: Question[]): Promise<boolean[]> {
  const answers = questions.map(quickAnswer);
  const open = new Map<string, number[]>();
  questions.forEach(({ filter, column }, i) => {
    if (answers[i] !== undefined) return;
    const query = `select array(select ${filter.negated ? "not " : ""}coalesce((
      select ${OPERATORS[filter.operator]}
      from (select q.r::${column.sqlType} as r, q.f::${rightType(filter, column)} as f) as typed
    ), ${filter.negated}) from unnest($1::text[], $2::text[]) with ordinality as q(r, f, i)
    order by i) as answers`;
    open.set(query, [...open.get(query) ?? [], i]);
  });
  await Promise.all([...open].map(async ([query, indexes]) => {
    const asked = indexes.map((i) => questions[i]!);
    const [row] = await sql.unsafe<{ answers: boolean[] }[]>(query, [
      asked.map(({ value }) => value ?? null),
      asked.map(({ filter }) => rightValue(filter)),
    ]);
    indexes.forEach((index, i) => answers[index] = row?.answers[i] ?? false);
  }));
  return answers.map((answer) => answer ?? false);
}

function quickAnswer({ filter, column, value }: Question): boolean | undefined {
  // Not sent (not in the key of a deleted row): such a filter never matches.
  if (value === undefined) return false;
  if (value === null || !CANONICAL.has(column.typeName)) return undefined;
  if (filter.operator === "eq") return (filter.value === value) !== filter.negated;
  if (filter.operator === "neq") return (filter.value !== value) !== filter.negated;
  return undefined;
}
