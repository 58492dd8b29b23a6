import assert from "node:assert/strict";
import * as z from "zod";
import type { NormalizedItem } from "./platform.ts";
import { readItems } from "./read_items.ts";

const Entry = z.object({ id: z.string().min(1), at: z.number() });
const normalize = ({ id, at }: z.infer<typeof Entry>) =>
  ({ platform_content_id: id, published_at: new Date(at).toISOString() }) as NormalizedItem;
const read = (entries: unknown[]) => {
  const { items, failed } = readItems(entries, Entry, normalize);
  return [items.map((item) => item.platform_content_id), failed];
};

Deno.test("readItems() takes what it can read and names what it cannot", () => {
  const code = "VALIDATION_ERROR";
  assert.deepEqual(
    read([{ id: "a", at: 1 }, { id: "b" }, { id: "c", at: 1e300 }, null, { id: 5 }]),
    [
      ["a"],
      [
        { platform_content_id: "b", code },
        // A moment beyond the calendar.
        { platform_content_id: "c", code },
        { platform_content_id: null, code },
        { platform_content_id: null, code },
      ],
    ],
  );
});

Deno.test("readItems() does not hide a fault of our own", () => {
  assert.throws(() => readItems([{ id: "a", at: 1 }], Entry, () => assert.fail("ours")), /ours/);
});
