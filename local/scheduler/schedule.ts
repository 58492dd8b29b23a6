/**
 * A schedule as the database reads it: `cron._stand_in_parse` of the stand-in extension is the one
 * parser, so what `cron.schedule()` accepts and what runs here cannot drift apart.
 */
export type ParsedSchedule =
  | { readonly seconds: number }
  | { readonly reboot: true }
  | CronFields;

/** The five fields of a cron schedule; the stars matter to cron's rules, not only the values. */
export interface CronFields {
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dom: readonly number[];
  readonly month: readonly number[];
  readonly dow: readonly number[];
  readonly minute_star: boolean;
  readonly hour_star: boolean;
  readonly dom_star: boolean;
  readonly dow_star: boolean;
  /** `$` in the day-of-month field. */
  readonly dom_last: boolean;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Which kinds of jobs a look at one minute is about: those with a star in minute or hour, or not. */
export interface JobKinds {
  readonly wild: boolean;
  readonly fixed: boolean;
}

const allKinds: JobKinds = { wild: true, fixed: true };

/** True when a cron schedule names the minute that holds `time` (GMT, as on the platform). */
export function isDue(schedule: CronFields, time: number, kinds: JobKinds = allKinds): boolean {
  const now = new Date(time);
  const isLastDay = new Date(time + dayMs).getUTCDate() === 1;
  const domMatches = schedule.dom.includes(now.getUTCDate()) || (schedule.dom_last && isLastDay);
  // Sunday is 0 and 7.
  const dow = now.getUTCDay();
  const dowMatches = schedule.dow.includes(dow) || (dow === 0 && schedule.dow.includes(7));
  // Cron's oldest surprise: with both day fields restricted, either is enough.
  const dayMatches = schedule.dom_star || schedule.dow_star
    ? domMatches && dowMatches
    : domMatches || dowMatches;
  const isWild = schedule.minute_star || schedule.hour_star;
  return schedule.minute.includes(now.getUTCMinutes()) &&
    schedule.hour.includes(now.getUTCHours()) &&
    schedule.month.includes(now.getUTCMonth() + 1) &&
    dayMatches && (isWild ? kinds.wild : kinds.fixed);
}

/** The start of the minute that holds `time`. */
export function minuteStart(time: number): number {
  return time - time % minuteMs;
}

/**
 * How often a job is due when the clock moved from `lastMinute` to `now`: cron's rules for a
 * scheduler that fell behind or a clock that was changed.
 */
export function timesDue(schedule: CronFields, lastMinute: number, now: number): number {
  const current = minuteStart(now);
  const passed = Math.trunc((now - lastMinute) / minuteMs);
  const once = (kinds?: JobKinds) => isDue(schedule, current, kinds) ? 1 : 0;
  const everyMissedMinute = (kinds: JobKinds) => {
    let count = 0;
    for (let time = lastMinute + minuteMs; time <= current; time += minuteMs) {
      if (isDue(schedule, time, kinds)) count++;
    }
    return count;
  };
  if (passed === 0) return 0;
  if (passed > 180 || passed <= -180) return once();
  if (passed > 5) {
    return everyMissedMinute({ wild: false, fixed: true }) + once({ wild: true, fixed: false });
  }
  if (passed > 0) return everyMissedMinute(allKinds);
  return once({ wild: true, fixed: false });
}

/** True when cron's clock did not go backwards: only then is `now` the new last minute. */
export function clockMovesOn(lastMinute: number, now: number): boolean {
  const passed = Math.trunc((now - lastMinute) / minuteMs);
  return passed > 0 || passed <= -180;
}
