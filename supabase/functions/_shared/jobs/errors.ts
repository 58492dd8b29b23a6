import { type ErrorCode, errors, isErrorCode } from "../errors.ts";

/** Why a running handler was told to stop. */
export type AbortReason = "cancelled" | "lease_lost" | "slice_over" | "shutdown";

/** The reason of a context's `signal`, and what its methods throw once the signal has fired. */
export class JobAborted extends Error {
  override readonly name = "JobAborted";
  constructor(readonly reason: AbortReason) {
    super(`job stopped: ${reason}`);
  }
}

/** What a handler may say besides the code. The message is shown to the job's owner. */
export interface JobErrorOptions {
  message?: string;
  cause?: unknown;
}

/** Thrown by a handler: this job can never succeed, do not run it again. */
export class FatalError extends Error {
  override readonly name = "FatalError";
  constructor(readonly code: ErrorCode, options: JobErrorOptions = {}) {
    super(options.message ?? errors[code].message, { cause: options.cause });
  }
}

/**
 * What the database will never take is a mistake in the handler: trying again is no use. In the
 * catalogue's words, where the database names some.
 */
export function refusalOf(cause: unknown, code: ErrorCode, message?: string): FatalError {
  const { hint } = cause as { hint?: unknown };
  return isErrorCode(hint)
    ? new FatalError(hint, { cause })
    : new FatalError(code, { message, cause });
}

/** Thrown by a handler: run it again after the job type's backoff. So does any unknown exception. */
export class RetryableError extends Error {
  override readonly name: string = "RetryableError";
  constructor(readonly code: ErrorCode, options: JobErrorOptions = {}) {
    super(options.message ?? errors[code].message, { cause: options.cause });
  }
}

/** Thrown by a handler: run it again after exactly `delayMs`, as the other side asked. */
export class RetryAfterError extends RetryableError {
  override readonly name = "RetryAfterError";
  constructor(code: ErrorCode, readonly delayMs: number, options: JobErrorOptions = {}) {
    super(code, options);
  }
}

/** Thrown by a handler that has to wait for something: no retry is counted, nothing has failed. */
export class Snooze extends Error {
  override readonly name: string = "Snooze";
  /** Without a checkpoint the stored one stays. */
  constructor(readonly delayMs: number, readonly checkpoint?: unknown) {
    super(`snoozed for ${delayMs} ms`);
  }
}

/** What a job that waits for its children wants to happen then. */
export interface WaitOptions<C = unknown> {
  /**
   * `fail_fast`: the first child that fails fails the job and cancels the rest. `partial` (unless
   * said otherwise): the rest goes on, and the job fails only when no child has completed.
   */
  onChildFailure?: "fail_fast" | "partial";
  /** `complete` (unless said otherwise): the engine completes the job. `resume`: it runs once more. */
  whenDone?: "complete" | "resume";
  /** Without a checkpoint the stored one stays. */
  checkpoint?: C;
}

/** Thrown by `ctx.waitForChildren()`: the slice is over, the children go on. */
export class WaitForChildren extends Error {
  override readonly name = "WaitForChildren";
  constructor(readonly options: WaitOptions = {}) {
    super("waits for its children");
  }
}
