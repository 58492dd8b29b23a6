import type { Backlog, Contents } from "../queues/contract.ts";

/** What the benchmark asks of a process that holds a system, and what each question is answered with. */
export interface Commands {
  install: { ask: Record<never, never>; answer: null };
  load: { ask: Backlog; answer: null };
  /** Adds jobs one by one from several clients at once; answers the milliseconds it took. */
  enqueue: { ask: { count: number; clients: number; first: number }; answer: number };
  enqueue_bulk: { ask: { first: number; count: number }; answer: number };
  /** Adds jobs one at a time with a pause after each; answers when each call began. */
  trickle: { ask: { count: number; pauseMs: number }; answer: number[] };
  contents: { ask: Record<never, never>; answer: Contents };
  /** Resolves when everything is acknowledged; answers when that was, null when it took too long. */
  drained: { ask: { limitMs: number }; answer: number | null };
  work: { ask: { jobs: number }; answer: null };
  stop: { ask: Record<never, never>; answer: WorkReport };
}

/** The name of a command. */
export type CommandName = keyof Commands;

/** What a worker process has done. Moments are milliseconds of the wall clock. */
export interface WorkReport {
  readonly handled: number;
  /** Handler calls for a job this process had handled before. */
  readonly repeated: number;
  /** One bit per job number, base64. */
  readonly bits: string;
  /** When each job's handler started; only sent when there are few. */
  readonly startedAt: (number | null)[] | null;
  readonly cpuMs: number;
}

/** Said without being asked, while a worker is busy. */
export interface Tick {
  readonly handled: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** One line from the process. */
export type Line =
  | { readonly ready: true }
  | { readonly tick: Tick }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** Milliseconds of the wall clock with fractions: comparable between processes of one machine. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
