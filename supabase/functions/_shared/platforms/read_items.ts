import type * as z from "zod";
import type { ErrorCode } from "../errors.ts";
import type { NormalizedItem } from "./platform.ts";

/** An item that could not be taken. A type, so that it is JSON to the compiler. */
export type ItemFailure = {
  /** Null where not even the id could be read. */
  platform_content_id: string | null;
  code: ErrorCode;
};

/** Reads entry by entry: one that is not as expected costs itself, not its page. */
export function readItems<T>(
  entries: readonly unknown[],
  schema: z.ZodType<T>,
  normalize: (entry: T) => NormalizedItem,
): { items: NormalizedItem[]; failed: ItemFailure[] } {
  const items: NormalizedItem[] = [];
  const failed: ItemFailure[] = [];
  for (const entry of entries) {
    const item = readItem(entry, schema, normalize);
    if (item) items.push(item);
    else failed.push({ platform_content_id: idOf(entry), code: "VALIDATION_ERROR" });
  }
  return { items, failed };
}

function readItem<T>(
  entry: unknown,
  schema: z.ZodType<T>,
  normalize: (entry: T) => NormalizedItem,
): NormalizedItem | null {
  const parsed = schema.safeParse(entry);
  if (!parsed.success) return null;
  try {
    return normalize(parsed.data);
  } catch (error) {
    // A moment beyond the calendar, or the like.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function idOf(entry: unknown): string | null {
  const id = (entry as { id?: unknown } | null)?.id;
  return typeof id === "string" && id !== "" ? id : null;
}
