import type { PostgresConnection } from "@supabase/lite/postgres";

/** SQLSTATEs that lite answers as PostgREST does. */
const KNOWN = /^(PT|PGRST|2[12]|42|23502$|23503$|23505$|25006$|53|55)/;

/** What PostgREST answers to the others, by how they begin; 400 where nothing is said. */
const STATUSES: Record<string, number> = {
  "08": 503,
  "09": 500,
  "0L": 403,
  "0P": 403,
  "25": 500,
  "28": 403,
  "2D": 500,
  "38": 500,
  "39": 500,
  "3B": 500,
  "40": 500,
  "54": 500,
  "57": 500,
  "58": 500,
  "F0": 500,
  "HV": 500,
  "P0": 500,
  "XX": 500,
  "P0001": 400,
};

interface DatabaseError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

/**
 * Gives errors of the database the status that PostgREST gives them. lite knows the more frequent ones;
 * the rest, such as a check that fails, it calls a 500 and leaves their code out.
 */
export function answerLikePostgrest(connection: PostgresConnection): void {
  connection.normalizeDbError = (error) => isUnknown(error) ? withStatus(error) : error;
}

function isUnknown(error: unknown): error is DatabaseError {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^(?=.*\d)[0-9A-Z]{5}$/.test(error.code) && !KNOWN.test(error.code);
}

/** The form in which SQL may say its own status; lite takes it from anybody. */
function withStatus({ code, message, detail, hint }: DatabaseError): Error {
  const status = STATUSES[code] ?? STATUSES[code.slice(0, 2)] ?? 400;
  const said = { code, message, details: detail ?? null, hint: hint ?? null };
  return Object.assign(new Error(JSON.stringify(said)), {
    code: "PGRST",
    detail: JSON.stringify({ status, headers: {} }),
  });
}
