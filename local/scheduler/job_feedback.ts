import postgres from "postgres";

/** What the driver says about one statement of a command. */
export interface StatementResult {
  readonly command: string | null;
  readonly count: number | null;
}

const returnRows = new Set(["SELECT", "SHOW", "FETCH", "EXPLAIN", "VALUES"]);
const countsRows = new Set(["UPDATE", "DELETE", "MERGE", "MOVE", "COPY"]);

/**
 * The `return_message` of a finished statement: "N rows" for a result set, else its command tag.
 * A limit: after several statements the driver does not say whether the last one had RETURNING,
 * so that one always shows its tag.
 */
export function returnMessage({ command, count }: StatementResult): string {
  if (command === null || returnRows.has(command)) {
    return `${count ?? 0} ${count === 1 ? "row" : "rows"}`;
  }
  if (command === "INSERT") return `INSERT 0 ${count ?? 0}`;
  return countsRows.has(command) ? `${command} ${count ?? 0}` : command;
}

/** The text of a failure as the PostgreSQL client library writes it. */
export function errorMessage(error: unknown, command: string): string {
  if (!(error instanceof postgres.PostgresError)) return "connection lost";
  const lines = [`${error.severity}:  ${error.message}`];
  if (error.position) lines.push(...pointer(command, Number(error.position)));
  if (error.detail) lines.push(`DETAIL:  ${error.detail}`);
  if (error.hint) lines.push(`HINT:  ${error.hint}`);
  if (error.where) lines.push(`CONTEXT:  ${error.where}`);
  return lines.join("\n") + "\n";
}

function pointer(command: string, position: number): string[] {
  const before = [...command].slice(0, position - 1).join("");
  const number = before.split("\n").length;
  const label = `LINE ${number}: `;
  const column = before.length - (before.lastIndexOf("\n") + 1);
  return [
    `${label}${command.split("\n")[number - 1] ?? ""}`,
    " ".repeat(label.length + column) + "^",
  ];
}
