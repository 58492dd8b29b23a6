import { PostgrestError } from "@supabase/postgrest-js";
import { toAppError } from "../error_mapping.ts";
import { AppError, type ErrorCode, errors } from "../errors.ts";
import { redactText, storableText } from "../redact.ts";
import { ConfigurationError } from "../read_env.ts";
import { ProviderError, providerOutcomes } from "../platforms/provider_error.ts";
import {
  type AbortReason,
  FatalError,
  JobAborted,
  RetryableError,
  RetryAfterError,
  Snooze,
  WaitForChildren,
} from "./errors.ts";

/** A run that failed, in the words the job store records. */
export interface Failed {
  kind: "failed";
  code: ErrorCode;
  message: string;
  retryable: boolean;
  /** Left out, the job type's backoff decides. */
  retryAfterMs?: number;
  /** What an unknown exception said: for our log, never for the owner. */
  cause?: string;
}

/** A run that ended because its children have to go on first. */
export interface Waiting {
  kind: "waiting";
  onChildFailure: "fail_fast" | "partial";
  whenDone: "complete" | "resume";
  checkpoint?: unknown;
}

/** How one run of a handler ended. */
export type Outcome =
  | { kind: "completed"; result: unknown }
  | Failed
  | { kind: "yielded"; delayMs: number; checkpoint?: unknown }
  | Waiting
  | { kind: "cancelled" }
  | { kind: "lost" };

/** Of a handler that was stopped, and did not say where to go on. */
export const cutShort: Outcome = { kind: "yielded", delayMs: 0 };

/** The outcome of a handler that stopped because its signal fired. */
export function outcomeOfAbort(reason: AbortReason): Outcome {
  if (reason === "cancelled") return { kind: "cancelled" };
  if (reason === "lease_lost") return { kind: "lost" };
  return cutShort;
}

/** The outcome of a handler that threw, whatever it threw. What it does not recognise is retryable. */
export function outcomeOfError(error: unknown): Outcome {
  try {
    return outcomeOfThrown(error);
  } catch {
    return failed("HANDLER_ERROR", errors.HANDLER_ERROR.message, true);
  }
}

function outcomeOfThrown(error: unknown): Outcome {
  if (error instanceof JobAborted) return outcomeOfAbort(error.reason);
  if (error instanceof Snooze) {
    return { kind: "yielded", delayMs: error.delayMs, checkpoint: error.checkpoint };
  }
  if (error instanceof WaitForChildren) {
    const { onChildFailure = "partial", whenDone = "complete", checkpoint } = error.options;
    return { kind: "waiting", onChildFailure, whenDone, checkpoint };
  }
  if (error instanceof FatalError) return failed(error.code, error.message, false);
  if (error instanceof RetryAfterError) {
    return failed(error.code, error.message, true, error.delayMs);
  }
  if (error instanceof RetryableError) return failed(error.code, error.message, true);
  if (error instanceof ProviderError) return outcomeOfProvider(error);
  if (error instanceof AppError) return outcomeOfAppError(error);
  if (error instanceof PostgrestError) return outcomeOfAppError(toAppError(error));
  if (error instanceof ConfigurationError) return outcomeOfNoKeys(error);
  const failure = failed("HANDLER_ERROR", errors.HANDLER_ERROR.message, true);
  return { ...failure, cause: sentenceOf(error) };
}

/**
 * All that a handler reads of our configuration is how its platform is reached; the worker has not
 * started without the rest. What is missing may be set, so the job type's retries decide how long that
 * is waited for. Which variables those are is nobody's business but ours.
 */
function outcomeOfNoKeys({ message }: ConfigurationError): Failed {
  const { message: sentence } = errors.PLATFORM_DISABLED;
  return { ...failed("PLATFORM_DISABLED", sentence, true), cause: message };
}

/** Anything can be thrown, also what no text can be made of. */
function sentenceOf(error: unknown): string {
  if (error instanceof Error) return error.stack ?? error.message;
  return typeof error === "string" ? error : typeof error;
}

/**
 * The classes of a provider's failure are decided with the provider's facts; this adds what they
 * mean for a job. A used-up daily quota that a handler does not wait out itself, as syncs do
 * (`spend_quota.ts`), ends the job: retrying before the reset only spends more of it. The checkpoint
 * stays, so that a manual retry goes on where the job stopped.
 */
function outcomeOfProvider(error: ProviderError): Outcome {
  const { code, retryable } = providerOutcomes[error.class];
  // The provider's own sentence stays in our logs: it may quote the request.
  const sentence = errors[code].message.replace(/\.$/, "");
  const message = `${sentence} (${error.provider}: ${error.reason})`;
  return failed(code, message, retryable, retryable ? error.retryAfterMs : undefined);
}

function outcomeOfAppError(error: AppError): Outcome {
  if (error.code === "LEASE_LOST") return { kind: "lost" };
  const retryable = error.status >= 500 || error.status === 429;
  const retryAfterMs = error.retryAfter === undefined ? undefined : error.retryAfter * 1_000;
  return failed(error.code, error.message, retryable, retryable ? retryAfterMs : undefined);
}

const MAX_MESSAGE = 500;

function failed(code: ErrorCode, message: string, retryable: boolean, after?: number): Failed {
  const outcome: Failed = {
    kind: "failed",
    code,
    message: storableText(redactText(message), MAX_MESSAGE),
    retryable,
  };
  if (after !== undefined) outcome.retryAfterMs = after;
  return outcome;
}
