/**
 * The one catalogue of error codes: what an endpoint can answer and what a job can end with.
 * `private.error_code` (SQL) and docs/ERRORS.md list the same codes; errors_test.ts compares all three.
 */

/** Every code with the HTTP status it answers and the sentence a client sees; ordered by status. */
export const errors = {
  VALIDATION_ERROR: { status: 400, message: "The request is not valid." },
  INVALID_PARAMS: { status: 400, message: "The job parameters are not valid." },
  OAUTH_STATE_INVALID: {
    status: 400,
    message: "There is no such authorization under way.",
  },
  OAUTH_STATE_EXPIRED: { status: 400, message: "The authorization took too long; begin again." },
  OAUTH_PLATFORM_MISMATCH: {
    status: 400,
    message: "The authorization was begun for another platform.",
  },
  OAUTH_REDIRECT_MISMATCH: {
    status: 400,
    message: "The authorization does not belong to this address.",
  },
  OAUTH_CODE_INVALID: {
    status: 400,
    message: "The code of the platform is not valid or was already used; begin again.",
  },
  OAUTH_DENIED: { status: 400, message: "The authorization was declined." },
  UNAUTHENTICATED: { status: 401, message: "Sign in first." },
  FORBIDDEN: { status: 403, message: "You may not do this." },
  OAUTH_STATE_FOREIGN: { status: 403, message: "The authorization was begun by somebody else." },
  ACCOUNT_LIMIT_REACHED: { status: 403, message: "The plan allows no more connected accounts." },
  NOT_FOUND: { status: 404, message: "There is no such thing." },
  JOB_NOT_FOUND: { status: 404, message: "There is no such job." },
  SOCIAL_ACCOUNT_NOT_FOUND: { status: 404, message: "There is no such connected account." },
  METHOD_NOT_ALLOWED: { status: 405, message: "This method is not supported here." },
  CONFLICT: { status: 409, message: "This is not possible in the current state." },
  OAUTH_STATE_USED: { status: 409, message: "The authorization was already used." },
  ACCOUNT_ALREADY_CONNECTED: {
    status: 409,
    message: "This account is already connected by another user.",
  },
  LEASE_LOST: { status: 409, message: "The job is no longer held by this worker." },
  JOB_NOT_CANCELLABLE: { status: 409, message: "The job has already ended." },
  JOB_NOT_RETRYABLE: {
    status: 409,
    message: "Only a job that has failed or was cancelled can be run again.",
  },
  JOB_ALREADY_ACTIVE: { status: 409, message: "An equal job is under way." },
  SUPERSEDED: { status: 409, message: "A newer job took the place of this one." },
  SOCIAL_ACCOUNT_AMBIGUOUS: {
    status: 409,
    message: "Several accounts of this platform are connected; say which one.",
  },
  CONNECTION_REVOKED: {
    status: 409,
    message: "The platform no longer accepts this connection; connect the account again.",
  },
  PARAMS_TOO_LARGE: { status: 413, message: "The job parameters are larger than 64 KB." },
  RESULT_TOO_LARGE: { status: 413, message: "The job result is larger than 256 KB." },
  CHECKPOINT_TOO_LARGE: { status: 413, message: "The job checkpoint is larger than 256 KB." },
  PAYLOAD_TOO_LARGE: { status: 413, message: "The request body is too large." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "The request body must be JSON." },
  UNKNOWN_JOB_TYPE: { status: 422, message: "There is no such job type." },
  NO_CHANNEL: { status: 422, message: "This account has no channel on the platform." },
  SCOPES_MISSING: {
    status: 422,
    message: "The platform granted less than is needed; connect again and allow everything.",
  },
  PLATFORM_DISABLED: { status: 422, message: "This platform is not available." },
  RATE_LIMITED: { status: 429, message: "Too many requests; try again later." },
  QUOTA_EXCEEDED: { status: 429, message: "The plan's quota is used up for this cycle." },
  JOB_LIMIT_REACHED: { status: 429, message: "Too many jobs are active; wait for one to end." },
  PROVIDER_RATE_LIMITED: { status: 429, message: "The platform asked us to slow down." },
  PROVIDER_QUOTA_EXCEEDED: {
    status: 429,
    message: "The quota at the platform is used up for now.",
  },
  INTERNAL_ERROR: { status: 500, message: "Something went wrong on our side." },
  WORKER_LOST: { status: 500, message: "The workers running this job stopped too often." },
  EXPIRED: { status: 500, message: "The job was not started in time." },
  HANDLER_ERROR: { status: 500, message: "The job failed." },
  INVALID_RESULT: { status: 500, message: "The job produced a result that is not valid." },
  CHILD_FAILED: { status: 500, message: "A part of the job failed." },
  SELF_TEST_FAILED: { status: 500, message: "The self test failed, as it was asked to." },
  MAX_RUNTIME_EXCEEDED: { status: 500, message: "The job ran longer than it may." },
  OAUTH_EXCHANGE_FAILED: { status: 502, message: "The platform did not accept the authorization." },
  PROVIDER_UNAVAILABLE: { status: 502, message: "The platform does not answer." },
  PROVIDER_REJECTED: { status: 502, message: "The platform refused the request." },
  SERVICE_UNAVAILABLE: { status: 503, message: "A part this needs is not available right now." },
} as const satisfies Record<string, { status: number; message: string }>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errors;

/** What an {@link AppError} may carry besides its code. */
export interface AppErrorOptions {
  /** Replaces the catalogue's sentence. Shown to the client: no internals. */
  message?: string;
  /** Shown to the client under `error.details`. */
  details?: unknown;
  /** Seconds; becomes the `Retry-After` header. */
  retryAfter?: number;
  /** What went wrong underneath. Logged (redacted), never shown. */
  cause?: unknown;
}

/** An error with a registered code. Everything a caller is meant to understand is thrown as one. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: unknown;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? errors[code].message, { cause: options.cause });
    this.code = code;
    this.status = errors[code].status;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
  }
}

/** Whether a string is a code of the catalogue. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errors, value);
}
