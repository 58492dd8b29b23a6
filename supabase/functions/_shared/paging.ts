/** The `limit` and `offset` of a list's query. */

import * as z from "zod";

// "1e2", "0x10", " 5" and "" are numbers to JavaScript and mistakes in a URL.
const digits = z.string().regex(/^\d{1,9}$/, "Digits only.").transform(Number);

/** How many items to answer with. */
export const limitUpTo = (max: number, usual: number) =>
  digits.pipe(z.int().min(1).max(max)).default(usual);

/** How many items to pass over. Bounded: the database walks over all of them. */
export const offsetUpTo = (max: number) => digits.pipe(z.int().max(max));
