/** How much of one text the gate prints: a cause stands at the beginning or at the end of it. */
const MOST_CHARACTERS = 8_000;
const MOST_AT_THE_BEGINNING = 2_000;
const MOST_LINES_PRINTED = 60;

/** A text of bounded length: its beginning and its end, and between them how much is left out. */
export function cut(text: string): string {
  const whole = text.trim();
  if (whole.length <= MOST_CHARACTERS) return whole;
  const left = whole.length - MOST_CHARACTERS;
  const head = whole.slice(0, MOST_AT_THE_BEGINNING);
  const tail = whole.slice(MOST_AT_THE_BEGINNING + left);
  return `${head}\n[${left} characters left out]\n${tail}`;
}

/** The last lines of what a test printed. */
export function lastLines(text: string): string {
  const lines = text.trim().split("\n");
  const left = Math.max(lines.length - MOST_LINES_PRINTED, 0);
  const kept = lines.slice(left).join("\n").slice(-MOST_CHARACTERS);
  return left === 0 ? kept : `[${left} lines left out]\n${kept}`;
}
