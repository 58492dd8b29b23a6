import * as z from "zod";
import { limitUpTo, offsetUpTo } from "../_shared/paging.ts";
import { parseCursor } from "./cursor.ts";

const STATUSES = ["pending", "processing", "completed", "failed", "cancelled"] as const;
const ORDERS = [
  "created_at",
  "updated_at",
  "completed_at",
  "scheduled_for",
  "status",
  "job_type",
  "job_priority",
] as const;
/** Behind this the cursor goes on, which costs the same at any depth. */
const MAX_OFFSET = 10_000;

/** Strict, since a filter that is misspelt would answer another question. */
export const ListQuery = z.strictObject({
  status: z.enum(STATUSES).optional(),
  job_type: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/).optional(),
  limit: limitUpTo(100, 20),
  offset: offsetUpTo(MAX_OFFSET).optional(),
  cursor: z.string().transform(parseCursor).optional(),
  order_by: z.enum(ORDERS).optional(),
  order_dir: z.enum(["asc", "desc"]).optional(),
}).refine(({ cursor, offset }) => !cursor || offset === undefined, {
  path: ["offset"],
  message: "Either a cursor or an offset.",
}).refine((query) => !query.cursor || isNewestFirst(query), {
  path: ["order_by"],
  message: "A cursor goes from the newest job to the oldest.",
});

/** What is asked of `job-list`. */
export type ListQuery = z.output<typeof ListQuery>;

/** Whether a list is in the order that a cursor can go on with. */
export function isNewestFirst({ order_by = "created_at", order_dir = "desc" }: {
  order_by?: string | undefined;
  order_dir?: string | undefined;
}): boolean {
  return order_by === "created_at" && order_dir === "desc";
}
