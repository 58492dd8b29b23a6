/**
 * Splits SQL into its statements the way the Supabase CLI records them: comments stay with the
 * statement they precede, the closing semicolon and outer white space go.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let parentheses = 0;
  /** Open `begin atomic` and, inside it, open `case`: each ends with an `end`. */
  let atomicBlocks = 0;

  for (let at = 0; at < sql.length;) {
    const next = endOfOpaque(sql, at) ?? at + (wordAt(sql, at)?.length ?? 1);
    const token = sql.slice(at, next).toLowerCase();
    if (token === "(") parentheses++;
    else if (token === ")") parentheses--;
    else if (token === "atomic" && /\bbegin\s+$/i.test(sql.slice(start, at))) atomicBlocks = 1;
    else if (token === "case" && atomicBlocks > 0) atomicBlocks++;
    else if (token === "end" && atomicBlocks > 0) atomicBlocks--;
    else if (token === ";" && parentheses <= 0 && atomicBlocks === 0) {
      statements.push(sql.slice(start, at));
      start = next;
      parentheses = 0;
    }
    at = next;
  }
  statements.push(sql.slice(start));
  return statements.map((text) => text.trim()).filter((text) => text !== "");
}

function wordAt(sql: string, at: number): string | undefined {
  const word = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy;
  word.lastIndex = at;
  return word.exec(sql)?.[0];
}

/** Where a comment, string, quoted name or dollar body that begins here ends; null if none does. */
function endOfOpaque(sql: string, at: number): number | null {
  if (sql.startsWith("--", at)) return endOf(sql, "\n", at + 2);
  if (sql.startsWith("/*", at)) return endOfBlockComment(sql, at);
  if (/^e'/i.test(sql.slice(at, at + 2))) return endOfQuoted(sql, at + 1, true);
  if (sql[at] === "'" || sql[at] === '"') return endOfQuoted(sql, at, false);
  const tag = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy;
  tag.lastIndex = at;
  const opening = tag.exec(sql)?.[0];
  return opening ? endOf(sql, opening, at + opening.length) : null;
}

function endOf(sql: string, closing: string, from: number): number {
  const found = sql.indexOf(closing, from);
  return found < 0 ? sql.length : found + closing.length;
}

function endOfBlockComment(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i < sql.length; i++) {
    if (sql.startsWith("/*", i)) depth++, i++;
    else if (sql.startsWith("*/", i)) {
      depth--, i++;
      if (depth === 0) return i + 1;
    }
  }
  return sql.length;
}

function endOfQuoted(sql: string, at: number, backslashes: boolean): number {
  const quote = sql[at];
  for (let i = at + 1; i < sql.length; i++) {
    if (backslashes && sql[i] === "\\") i++;
    else if (sql[i] === quote) {
      if (sql[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  return sql.length;
}
