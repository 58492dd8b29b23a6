import * as z from "zod";
import { encodeBase64Url } from "../_shared/digest.ts";

/** A place in the list of a user's jobs, newest first: right behind this job. */
export interface Cursor {
  /** As the database wrote it, with its microseconds. */
  created_at: string;
  id: string;
}

const Parts = z.tuple([
  // Only what PostgreSQL reads as well: it knows no year 0, no offset of 23 hours and no endless fraction.
  z.iso.datetime({ offset: true }).max(40).regex(/^2.*(Z|[+-](0\d|1[0-4]):\d\d)$/),
  z.guid(),
]);

/** The place as an opaque text. */
export function formatCursor({ created_at, id }: Cursor): string {
  // Not every data API writes the times of a function's rows in ISO 8601: "2026-01-01 00:00:00+00".
  const time = created_at.replace(" ", "T").replace(/[+-]\d\d$/, "$&:00");
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify([time, id])));
}

/** For a schema: the place that a text names, or an issue. */
export function parseCursor(text: string, context: z.RefinementCtx): Cursor {
  const parsed = Parts.safeParse(readJson(text));
  if (parsed.success) return { created_at: parsed.data[0], id: parsed.data[1] };
  context.addIssue({ code: "custom", message: "Not a cursor of this list." });
  return z.NEVER;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}
