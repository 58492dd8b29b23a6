import { PostgrestError } from "@supabase/postgrest-js";
import { AppError, isErrorCode } from "./errors.ts";
import { ProviderError, providerOutcomes } from "./platforms/provider_error.ts";

/** What anything thrown means to the caller. What is not recognised is our fault and says nothing more. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ProviderError) return ofProvider(error);
  if (error instanceof PostgrestError) return ofDatabase(error);
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new AppError("SERVICE_UNAVAILABLE", { cause: error });
  }
  return new AppError("INTERNAL_ERROR", { cause: error });
}

function ofProvider(error: ProviderError): AppError {
  const retryAfter = error.retryAfterMs && Math.ceil(error.retryAfterMs / 1000);
  return new AppError(providerOutcomes[error.class].code, {
    details: { provider: error.provider, reason: error.reason },
    retryAfter,
    cause: error,
  });
}

/** `private.raise_error` puts our code into the hint; PostgREST's own codes begin with PGRST. */
function ofDatabase(error: PostgrestError): AppError {
  const { code = "", hint, message, details } = error;
  if (/^PT\d{3}$/.test(code) && hint === "VALIDATION_ERROR") {
    return notValid(fieldIn(readDetails(details).details), message, error);
  }
  if (/^PT\d{3}$/.test(code) && isErrorCode(hint)) {
    return new AppError(hint, { message, ...readDetails(details), cause: error });
  }
  if (code === "PGRST301" || code === "PGRST303") {
    return new AppError("UNAUTHENTICATED", { cause: error });
  }
  // A NUL in a text, which PostgreSQL cannot hold: in what it was sent, or spelled \u0000 in JSON.
  if (code === "22021" || code === "22P05") {
    return notValid(null, "A text holds a character that cannot be stored.", error);
  }
  // No answer, no connection to the database, or no time left for the statement.
  if (["", "PGRST000", "PGRST001", "PGRST002", "PGRST003", "57014"].includes(code)) {
    return new AppError("SERVICE_UNAVAILABLE", { cause: error });
  }
  return new AppError("INTERNAL_ERROR", { cause: error });
}

/** What a query may say its schema has judged: the database finds fault with what a body says. */
function notValid(field: string | null, message: string, cause: Error): AppError {
  const path = field === null ? "body" : `body.${field.replace(/^p_/, "")}`;
  const issues = [{ path, code: "custom", message }];
  return new AppError("VALIDATION_ERROR", { details: { issues }, cause });
}

/** The column or argument that the database names. */
function fieldIn(details: unknown): string | null {
  return typeof details === "object" && details !== null && "field" in details &&
      typeof details.field === "string"
    ? details.field
    : null;
}

function readDetails(text: string): { details?: unknown; retryAfter?: number } {
  let details: unknown;
  try {
    details = JSON.parse(text);
  } catch {
    return {};
  }
  const retryAfter = typeof details === "object" && details !== null &&
      "retry_after" in details && typeof details.retry_after === "number"
    ? details.retry_after
    : undefined;
  return { details: details ?? undefined, retryAfter };
}
