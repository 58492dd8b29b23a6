/**
 * A page of an edge: `data` and `paging`, as the graph hosts cut lists.
 * @module
 */
import type { Context } from "hono";
import type { CallEnv } from "../call.ts";
import { hash32, scramble, unscramble } from "../seeded.ts";
import { askedNumber } from "./access.ts";
import { type GraphNode, parseFields, project } from "./fields.ts";
import { invalidParameter } from "./graph_error.ts";

/** A list that can be read in pages, newest first. */
export interface Listing {
  /** Whose list of what; a cursor is good for one list only. */
  readonly name: string;
  /** How many places it has. */
  readonly length: number;
  /** What is at a place; null where something was deleted. */
  at(position: number): GraphNode | null;
}

const cursorOf = (name: string, position: number) =>
  `QVFI${scramble(hash32("edge", name), position)}`;

function readCursor(name: string, cursor: string): number | null {
  const pair = cursor.startsWith("QVFI") ? unscramble(cursor.slice(4)) : null;
  return pair?.[0] === hash32("edge", name) ? pair[1] : null;
}

/** Answers with a page of 25, or of `limit` up to 100. */
export function answerPage(c: Context<CallEnv>, { name, length, at }: Listing): Response {
  const { faults } = c.var;
  const fields = parseFields(c.req.query("fields") ?? "");
  const limit = Math.max(1, askedNumber(c, "limit", 25, 100));
  const after = c.req.query("after");
  const start = after === undefined ? 0 : readCursor(name, after);
  if (start === null || faults.has("cursor_expired")) {
    throw invalidParameter("The cursor is invalid or has expired", 1349125);
  }
  // As if something had been published since the page before: everything moves down by one.
  let position = Math.max(0, start - (faults.has("duplicate_item") ? 1 : 0));
  const first = position;
  const found: GraphNode[] = [];
  if (!faults.has("empty_page")) {
    for (; found.length < limit && position < length; position++) {
      const node = at(position);
      if (node) found.push(node);
    }
  }
  const shown = found.slice(faults.get("deleted_item")?.items ?? 0);
  const data = shown.map((node) =>
    project(faults.has("missing_fields") ? bare(node) : node, fields)
  );
  if (first >= length) return c.json({ data });
  const cursors = {
    before: cursorOf(name, first),
    // Present on the last page, too: only the absence of `next` says that it is the last.
    after: cursorOf(name, position),
  };
  if (position >= length) return c.json({ data, paging: { cursors } });
  const next = new URL(c.req.url);
  next.searchParams.set("limit", String(limit));
  next.searchParams.set("after", cursors.after);
  const authorization = c.req.header("authorization")?.split(" ")[1];
  if (authorization) next.searchParams.set("access_token", authorization);
  return c.json({ data, paging: { cursors, next: next.href } });
}

/** Every field known and none of them there. */
export function bare(node: GraphNode): GraphNode {
  const kept = new Set(["id", "media_type", "timestamp", "created_time", "permalink"]);
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, kept.has(name) ? value : undefined]),
  ) as GraphNode;
}
