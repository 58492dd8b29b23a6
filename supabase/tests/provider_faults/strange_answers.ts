/** Rows for answers that are none, or not what was promised. */
import { graph, onList, row, tiktok, youtube } from "./make_row.ts";
import { allPlatforms, type FaultSwitch, rejected, retried, type Row, unharmed } from "./rows.ts";

/** No answer that could be read. */
export const answers: Row[] = [
  row("`server_error` 500", allPlatforms, [onList("server_error")], retried),
  row("`server_error` 503", allPlatforms, [onList("server_error", { status: 503 })], retried),
  row("`server_error`, before anything is read", allPlatforms, [
    { kind: "server_error", at: "account" },
  ], retried),
  row("`server_error` for good", allPlatforms, [onList("server_error", { count: null })], {
    ...retried,
    end: "failed after 5 more runs, the first page stays, the unit is given back",
  }),
  graph("2, passing", 2, undefined, retried),
  row("`slow`", allPlatforms, [onList("slow", { delay_ms: 200 })], unharmed),
  row("`slow`, more than 15 s", allPlatforms, [onList("slow", { delay_ms: 1_600 })], retried),
  row("`connection_reset`", allPlatforms, [onList("connection_reset")], retried),
  row("`truncated_json`", allPlatforms, [onList("truncated_json")], retried),
  row("`html`", allPlatforms, [onList("html")], retried),
];

const details = (kind: FaultSwitch["kind"]): FaultSwitch => ({ kind, at: "details", page: 2 });
/** Answers that can be read, and that are strange. */
export const lists: Row[] = [
  row("`duplicate_item`", allPlatforms, [onList("duplicate_item")], unharmed),
  row("`deleted_item`", youtube, [details("deleted_item")], {
    ...unharmed,
    end: "all others stored, one is missing",
  }),
  row("`deleted_item`", ["instagram", "tiktok"], [details("deleted_item")], {
    ...unharmed,
    end: "all others stored",
  }),
  row("`deleted_item` that an earlier sync has stored", allPlatforms, [details("deleted_item")], {
    ...unharmed,
    again: true,
    end: "all others unchanged, one removed",
  }),
  row("`cursor_expired`", allPlatforms, [onList("cursor_expired")], unharmed),
  row("`cursor_expired`, and the next one, too", allPlatforms, [
    onList("cursor_expired", { count: null }),
  ], rejected),
  graph("100, any bad parameter, taken for an expired cursor", 100, undefined, unharmed),
  graph("100/33, the account is gone", 100, 33, rejected),
  row("`empty_page` with more behind it", ["youtube", "instagram"], [
    onList("empty_page", { page: 1 }),
  ], unharmed),
  row("`empty_page` with more behind it", tiktok, [onList("empty_page")], unharmed),
  row("`empty_page` that leads back to itself", ["youtube", "instagram"], [
    onList("empty_page"),
  ], retried),
  row("`stuck_cursor`", tiktok, [onList("stuck_cursor")], retried),
  row("`missing_fields`", allPlatforms, [details("missing_fields")], {
    ...unharmed,
    end: "all stored, counts unknown",
  }),
  row("ids beyond 2^53", allPlatforms, [], unharmed),
];
