/**
 * What every list call of the YouTube Data API has: `part`, `maxResults`, an etag.
 * @module
 */
import type { Context } from "hono";
import type { CallEnv } from "../call.ts";
import { badParameter, type YouTubeError } from "./errors.ts";
import { etagOf } from "./resources.ts";

const partNames = new Set(
  ("id snippet contentDetails statistics status player fileDetails brandingSettings topicDetails " +
    "localizations liveStreamingDetails recordingDetails processingDetails auditDetails")
    .split(" "),
);

/** The parts asked for; `part` is required. */
export function askedParts(c: Context<CallEnv>): string[] {
  const parts = (c.req.query("part") ?? "").split(",").map((part) => part.trim()).filter(Boolean);
  if (parts.length === 0) {
    throw badParameter("missingRequiredParameter", "part", "Required parameter: part");
  }
  const unknown = parts.find((part) => !partNames.has(part));
  if (unknown) throw badParameter("unknownPart", "part", unknown);
  return parts;
}

/** The page size: 5 unless said, 50 at most. */
export function askedSize(c: Context<CallEnv>): number {
  const text = c.req.query("maxResults") ?? "5";
  const size = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(size <= 50)) {
    throw badParameter(
      "invalidParameter",
      "maxResults",
      `Invalid value '${text}'. Values must be within the range: [0, 50]`,
    );
  }
  return size;
}

/** The list answer, with its etag; 304 when the client already has exactly this. */
export function list(c: Context<CallEnv>, kind: string, body: object): Response {
  const text = JSON.stringify(body);
  const etag = etagOf(kind + text);
  if (c.req.header("if-none-match")?.includes(etag)) {
    return new Response(null, { status: 304, headers: { etag: `"${etag}"` } });
  }
  return c.body(
    JSON.stringify({ kind: `youtube#${kind}ListResponse`, etag, ...body }, null, 1),
    200,
    {
      "content-type": "application/json; charset=UTF-8",
      etag: `"${etag}"`,
      vary: "Origin, X-Origin, Referer",
    },
  );
}

/** 400: nothing says which resources are meant. */
export function noFilter(names: string): YouTubeError {
  return badParameter(
    "missingRequiredParameter",
    "parameters",
    `No filter selected. Expected one of: ${names}`,
  );
}
