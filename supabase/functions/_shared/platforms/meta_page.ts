/** A page of an account's content, as both of Meta's platforms cut lists. */

import * as z from "zod";
import { type ItemFailure, readItems } from "./read_items.ts";
import type { NormalizedItem } from "./platform.ts";

/** A page of content. */
export interface MetaPage {
  items: NormalizedItem[];
  failed: ItemFailure[];
  /** By content id: to be fetched soon, not to be kept, for these addresses end. */
  pictures: Record<string, string>;
  /** Short-lived: where one is refused, reading starts anew. Null on the last page. */
  after: string | null;
  /** How much of the account's hourly limit is used: slow down at 75, stop at 95. */
  usage_percent: number | null;
}

const Paging = z.object({
  cursors: z.object({ after: z.string() }).optional(),
  next: z.string().optional(),
}).optional();

/** What a list of these is answered with. */
export function listOf<T extends z.ZodType>(entry: T) {
  return z.object({ data: z.array(entry), paging: Paging });
}

/**
 * The cursor of the next page; null on the last one, which has a cursor, too: only `next` says that there
 * is more. It is not followed, for it carries the token.
 */
export function cursorOf(paging: z.infer<typeof Paging>): string | null {
  return paging?.next === undefined ? null : paging.cursors?.after ?? null;
}

/** What a list is answered with whose entries are read one by one. */
export const EntryList = listOf(z.unknown());

/** Puts a page together. */
export function toPage<T>(
  { data, paging }: z.infer<typeof EntryList>,
  schema: z.ZodType<T>,
  normalize: (entry: T) => NormalizedItem,
  pictureOf: (entry: T) => string | null,
  usage_percent: number | null,
): MetaPage {
  const pictures: Record<string, string> = {};
  const read = readItems(data, schema, (entry) => {
    const item = normalize(entry);
    const url = pictureOf(entry);
    if (url !== null) pictures[item.platform_content_id] = url;
    return item;
  });
  return { ...read, pictures, after: cursorOf(paging), usage_percent };
}

/** Meta's moments have no colon in their offset, which not everybody reads. */
export function toIso(moment: string | undefined): string | null {
  const at = Date.parse((moment ?? "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
