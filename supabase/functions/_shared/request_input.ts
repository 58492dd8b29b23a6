/** Reads what a request brings: bounded, and valid or refused. */

import type * as z from "zod";
import { AppError } from "./errors.ts";

/** What supabase-js asks of the platform where a region is chosen: not for us, though it gets here. */
const FOR_THE_PLATFORM = "forceFunctionRegion";

/** The query, validated. A repeated name becomes an array, which a schema of strings refuses. */
export function readQuery<T>(url: URL, schema: z.ZodType<T> | undefined): T | undefined {
  if (!schema) return undefined;
  const names = new Set(url.searchParams.keys());
  names.delete(FOR_THE_PLATFORM);
  const values = [...names].map((name) => {
    const all = url.searchParams.getAll(name);
    return [name, all.length === 1 ? all[0] : all] as const;
  });
  return validate(schema, Object.fromEntries(values), "query");
}

/** A JSON body, validated. No body counts as `{}`, so that an endpoint may do without one. */
export function readJsonBody<T>(
  headers: Headers,
  bytes: Uint8Array,
  schema: z.ZodType<T> | undefined,
): T | undefined {
  if (!schema) return undefined;
  if (bytes.byteLength === 0) return validate(schema, {}, "body");
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json") throw new AppError("UNSUPPORTED_MEDIA_TYPE");
  return validate(schema, parseJson(bytes), "body");
}

/** The raw body, or `PAYLOAD_TOO_LARGE` as soon as that is known. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // The declared length may be missing or wrong: count what arrives.
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("PAYLOAD_TOO_LARGE", { details: { max_bytes: maxBytes } });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const issue = { path: "body", code: "custom", message: "The request body is not valid JSON." };
    throw new AppError("VALIDATION_ERROR", { details: { issues: [issue] }, cause });
  }
}

function validate<T>(schema: z.ZodType<T>, value: unknown, place: "query" | "body"): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, code, message }) => ({
    path: [place, ...path].join("."),
    code,
    message,
  }));
  throw new AppError("VALIDATION_ERROR", { details: { issues } });
}
