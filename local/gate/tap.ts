/** What one pgTAP file said: how many assertions passed and which did not. */
export type TapReport = { passed: number; failures: string[] };

/**
 * Reads TAP output (https://testanything.org). A plan that does not match the number of assertions
 * is a failure too: it is how a test that stopped half-way shows itself.
 *
 * @param lines The rows pgTAP functions returned, in order; a row may hold several lines.
 */
export function readTap(lines: string[]): TapReport {
  const report: TapReport = { passed: 0, failures: [] };
  let planned: number | undefined;
  let seen = 0;

  for (const line of lines.flatMap((row) => row.split("\n"))) {
    const plan = line.match(/^1\.\.(\d+)/);
    const result = line.match(/^(not )?ok\b\s*(.*)$/);
    if (plan) planned = Number(plan[1]);
    else if (result) {
      seen++;
      if (result[1]) report.failures.push(result[2] ?? "");
      else report.passed++;
    } else if (line.startsWith("#") && report.failures.length > 0) {
      report.failures.push(`${report.failures.pop()}\n      ${line}`);
    }
  }

  if (planned === undefined) report.failures.push("no plan: call plan(n) first and finish() last");
  else if (planned !== seen) report.failures.push(`planned ${planned} assertions, ran ${seen}`);
  return report;
}
