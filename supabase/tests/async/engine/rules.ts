/** What holds whatever happens to a job, and which way it may move: the spec's "Life of a job". */
import assert from "node:assert/strict";
import type { JobRow } from "../own_jobs.ts";

/** What may happen to a job, and between which states it then moves. */
const life = {
  create: ["none > pending"],
  join: ["none > pending"],
  claim: ["pending > processing"],
  complete: ["processing > completed"],
  fail: ["processing > pending", "processing > failed"],
  yield: ["processing > pending"],
  "lose lease": ["processing > pending", "processing > failed"],
  "lose lease, claim": ["processing > pending", "processing > failed", "pending > processing"],
  cancel: ["pending > cancelled", "processing > cancelled"],
  expire: ["pending > failed"],
  wait: ["processing > pending", "processing > completed", "processing > failed"],
  retry: [
    "failed > pending",
    "cancelled > pending",
    // A job whose children had all completed has nothing left to wait for.
    "failed > completed",
    "cancelled > completed",
  ],
  write: [],
} as const satisfies Record<string, readonly string[]>;

/** What becomes of parents and siblings of a job that something has happened to. */
const echoed = [
  "pending > completed",
  "pending > failed",
  "pending > cancelled",
  "processing > cancelled",
  "failed > pending",
  "cancelled > pending",
  "failed > completed",
  "cancelled > completed",
];

/** The name of something that happens to jobs. */
export type LifeEvent = keyof typeof life;

const visibleColumns = [
  "status",
  "progress_percent",
  "progress_message",
  "error_code",
  "error_message",
  "result",
  // What it waits for, as job-status tells it.
  "held_by",
] as const;

/** Between two looks at a job. */
export function checkRules(then: JobRow, now: JobRow, event: LifeEvent): void {
  assert.ok(now.fencing_token >= then.fencing_token, "a fencing token never goes back");
  if (then.completed_at !== null && event !== "retry") checkUntouched(then, now, ["dedupe_key"]);
  const isNewAttempt = now.fencing_token > then.fencing_token;
  if (now.status === "processing" && then.status !== "processing") {
    assert.ok(isNewAttempt, "a new attempt has a token of its own");
  }
  if (now.status === "processing" && !isNewAttempt) {
    assert.ok(now.progress_percent >= then.progress_percent, "progress never goes back");
  }
  const isNews = (column: keyof JobRow) => differs(then[column], now[column]);
  // Time is no news, but that somebody has brought a job forward is.
  if (visibleColumns.some(isNews) || (event === "join" && isNews("scheduled_for"))) {
    assert.ok(now.seq > then.seq, "the owner hears of what the owner sees");
  } else if (!isNewAttempt) {
    assert.equal(now.seq, then.seq, "no news, no number");
  }
}

/** Nothing has written to a job, but for these columns. */
export function checkUntouched(then: JobRow, now: JobRow, except: readonly (keyof JobRow)[]): void {
  const mask = Object.fromEntries(except.map((column) => [column, null]));
  assert.deepEqual(
    { ...now, ...mask },
    { ...then, ...mask },
    "nobody else's write changes a column",
  );
}

const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);

/** A job has moved in a way it may; an echo reaches it through its batch. */
export function checkMove(move: string, event: LifeEvent, isEcho: boolean): void {
  const allowed: readonly string[] = isEcho ? [...life[event], ...echoed] : life[event];
  assert.ok(allowed.includes(move), `"${event}" never moves a job ${move}`);
}
