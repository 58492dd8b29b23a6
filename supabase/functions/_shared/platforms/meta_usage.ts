/** How much of Meta's hourly limits is used: what the usage headers say. */

import * as z from "zod";

/** Limits count over a rolling hour; where nobody says how long to wait, this much of it. */
const THROTTLED_MS = 5 * 60_000;

const Percentages = z.object({
  call_count: z.number().default(0),
  total_cputime: z.number().default(0),
  total_time: z.number().default(0),
});
/** Minutes. */
const Business = Percentages.extend({ estimated_time_to_regain_access: z.number().default(0) });
const BusinessReport = z.record(z.string(), z.array(Business));

/** The fullest of all the limits that an answer speaks of, in percent; null when it speaks of none. */
export function readUsage(headers: Headers): number | null {
  const app = Percentages.safeParse(parse(headers.get("x-app-usage")));
  const reports = [...readBusiness(headers), ...(app.success ? [app.data] : [])];
  if (reports.length === 0) return null;
  return Math.max(
    ...reports.flatMap((one) => [one.call_count, one.total_cputime, one.total_time]),
  );
}

/** How long a throttled caller has to wait, in milliseconds. */
export function readWait(headers: Headers): number {
  const minutes = readBusiness(headers).map((one) => one.estimated_time_to_regain_access);
  return Math.max(0, ...minutes) * 60_000 || THROTTLED_MS;
}

function readBusiness(headers: Headers): z.infer<typeof Business>[] {
  const report = BusinessReport.safeParse(parse(headers.get("x-business-use-case-usage")));
  return report.success ? Object.values(report.data).flat() : [];
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
