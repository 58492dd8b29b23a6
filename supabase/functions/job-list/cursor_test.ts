import assert from "node:assert/strict";
import * as z from "zod";
import { formatCursor, parseCursor } from "./cursor.ts";

const Text = z.string().transform(parseCursor);
const id = "2f1f6a5e-6c0e-4b62-9d43-1f2f3a4b5c6d";
const encoded = (value: unknown) => btoa(JSON.stringify(value));

Deno.test("a cursor brings back the place it was made of, to the microsecond", () => {
  const place = { created_at: "2026-01-01T00:00:00.123456+00:00", id };
  const text = formatCursor(place);
  assert.match(text, /^[\w-]+$/);
  assert.deepEqual(Text.parse(text), place);
});

Deno.test("formatCursor() reads a time as PostgreSQL prints it", () => {
  const created_at = "2026-01-01 00:00:00.123456+00";
  const place = { created_at: "2026-01-01T00:00:00.123456+00:00", id };
  assert.deepEqual(Text.parse(formatCursor({ created_at, id })), place);
});

for (
  const [what, text] of [
    ["nothing", ""],
    ["no base64", "%%%"],
    ["no JSON", btoa("later")],
    ["no pair", encoded([id])],
    ["no time", encoded(["yesterday", id])],
    ["a year that PostgreSQL does not know", encoded(["0000-01-01T00:00:00Z", id])],
    [
      "more digits of a second than PostgreSQL reads",
      encoded([`2026-01-01T00:00:00.${"0".repeat(200)}1Z`, id]),
    ],
    ["an offset that PostgreSQL does not know", encoded(["2026-01-01T00:00:00+23:00", id])],
    ["SQL instead of an id", encoded(["2026-01-01T00:00:00Z", "'; drop table job_queue"])],
    ["more than a place", encoded(["2026-01-01T00:00:00Z", id, 1])],
  ] as const
) {
  Deno.test(`parseCursor() refuses ${what}`, () => {
    assert.equal(Text.safeParse(text).success, false);
  });
}
