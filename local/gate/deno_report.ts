/** What of each failed test is printed: the message and where it came from, not pages of it. */
const MOST_OF_ONE = 3_000;

/**
 * The failures in what `deno test` printed, each beginning with the title and the file of the test.
 *
 * @param count How many there must be: what the report does not explain is listed all the same.
 */
export function readFailures(output: string, count: number): string[] {
  const start = output.indexOf(" ERRORS ");
  // An import error or a crash of the process: its reason stands at the end.
  if (start < 0) return fill([output.slice(-MOST_OF_ONE).trim()], count);
  const end = output.indexOf(" FAILURES ", start);
  const report = output.slice(start + " ERRORS ".length, end < 0 ? undefined : end);
  const failures = report.split(/^(?=.+ => \S+:\d+:\d+$|\S+ \(uncaught error\)$)/m)
    .map((failure) => failure.trim())
    .filter((failure) => failure !== "");
  return fill(failures.map((failure) => failure.slice(0, MOST_OF_ONE)), count);
}

function fill(failures: string[], count: number): string[] {
  const missing = Math.max(count - failures.length, 0);
  return [
    ...failures,
    ...Array.from({ length: missing }, () => "a test that the report leaves out"),
  ];
}
