import assert from "node:assert/strict";
import { clockMovesOn, type CronFields, isDue, timesDue } from "./schedule.ts";

const range = (low: number, high: number) =>
  Array.from({ length: high - low + 1 }, (_, index) => low + index);

/** Every minute, but for what is given; a field that is given has no star. */
function fields(given: Partial<CronFields>): CronFields {
  return {
    minute: range(0, 59),
    hour: range(0, 23),
    dom: range(1, 31),
    month: range(1, 12),
    dow: range(0, 7),
    minute_star: !given.minute,
    hour_star: !given.hour,
    dom_star: !given.dom && !given.dom_last,
    dow_star: !given.dow,
    dom_last: false,
    ...given,
  };
}

const at = (text: string) => Date.parse(`${text}Z`);

Deno.test("a schedule is due in its minutes, in GMT", () => {
  const nightly = fields({ minute: [30], hour: [3] });
  assert(isDue(nightly, at("2026-03-01T03:30:59")));
  assert(!isDue(nightly, at("2026-03-01T03:31:00")));
  assert(!isDue(nightly, at("2026-03-01T04:30:00")));
});

Deno.test("with both day fields restricted either is enough, else both must match", () => {
  const either = fields({ dom: [13], dow: [5] });
  assert(isDue(either, at("2026-03-13T00:00:00")), "Friday the 13th");
  assert(isDue(either, at("2026-04-13T00:00:00")), "a Monday");
  assert(isDue(either, at("2026-03-20T00:00:00")), "another Friday");
  assert(!isDue(either, at("2026-03-21T00:00:00")));
  assert(!isDue(fields({ dow: [5] }), at("2026-03-21T00:00:00")));
});

Deno.test("Sunday is 0 and 7, and $ is the last day of a month", () => {
  assert(isDue(fields({ dow: [7] }), at("2026-03-01T00:00:00")));
  const last = fields({ dom: [], dom_last: true });
  assert(isDue(last, at("2028-02-29T12:00:00")));
  assert(!isDue(last, at("2028-02-28T12:00:00")));
});

Deno.test("a scheduler that fell behind by minutes runs each of them", () => {
  const start = at("2026-03-01T10:00:00");
  assert.equal(timesDue(fields({}), start, at("2026-03-01T10:00:59")), 0);
  assert.equal(timesDue(fields({}), start, at("2026-03-01T10:01:00")), 1);
  assert.equal(timesDue(fields({}), start, at("2026-03-01T10:05:30")), 5);
});

Deno.test("after a longer gap jobs of fixed times are caught up with and the others run once", () => {
  const start = at("2026-03-01T10:00:00");
  const later = at("2026-03-01T12:30:00");
  assert.equal(timesDue(fields({}), start, later), 1);
  assert.equal(timesDue(fields({ minute: [0, 15], hour: range(0, 23) }), start, later), 5);
});

Deno.test("after more than three hours, either way, only the present minute counts", () => {
  const start = at("2026-03-01T10:00:00");
  assert.equal(timesDue(fields({ minute: [0], hour: [11] }), start, at("2026-03-01T14:00:00")), 0);
  assert.equal(timesDue(fields({}), start, at("2026-03-01T06:00:00")), 1);
});

Deno.test("a clock set back a little repeats no job of a fixed time", () => {
  const start = at("2026-03-01T10:00:00");
  const back = at("2026-03-01T09:30:00");
  assert.equal(timesDue(fields({ minute: [30], hour: [9] }), start, back), 0);
  assert.equal(timesDue(fields({}), start, back), 1);
  assert(!clockMovesOn(start, back));
  assert(clockMovesOn(start, at("2026-03-01T10:01:00")));
});
