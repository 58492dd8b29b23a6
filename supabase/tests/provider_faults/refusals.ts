/** Rows for calls that a platform refuses. */
import { graph, instagram, onList, onToken, row, tiktok, youtube } from "./make_row.ts";
import {
  allPlatforms,
  putOff,
  rejected,
  retried,
  revoked,
  type Row,
  slowedDown,
  unharmed,
} from "./rows.ts";

/** Refused for what the token is, or is not. */
export const grants: Row[] = [
  row("`expired_token`", allPlatforms, [onList("expired_token")], {
    ...unharmed,
    connection: "renewed",
  }),
  row("`expired_token`, and the renewed one, too", allPlatforms, [
    onList("expired_token", { count: null }),
  ], revoked),
  row("`expired_token`, and no token to be had just now", allPlatforms, [
    onList("expired_token"),
    { kind: "server_error", at: "token" },
  ], retried),
  row("`expired_token`, of the same day: Instagram renews none", instagram, [
    onList("expired_token"),
  ], { ...rejected, young: true }),
  row("`expired_token`, and the answer of the renewal is lost", ["youtube", "instagram"], [
    onList("expired_token", { count: 2 }),
    { kind: "connection_reset", at: "token" },
  ], { ...retried, connection: "renewed" }),
  // Its refresh tokens are good for one use.
  row("`expired_token`, and the answer of the renewal is lost", tiktok, [
    onList("expired_token", { count: 2 }),
    { kind: "connection_reset", at: "token" },
  ], { ...revoked, job: "tried again", code: "PROVIDER_UNAVAILABLE", next: retried.next }),
  row("`revoked_token`", allPlatforms, [
    onList("revoked_token", { count: null }),
    onToken("revoked_token"),
  ], revoked),
  row("`revoked_token`, before anything is read", allPlatforms, [
    { kind: "revoked_token", at: "account", count: null },
    onToken("revoked_token"),
  ], { ...revoked, end: "nothing is stored, the unit is given back" }),
  row("`invalid_grant_200`", tiktok, [
    onList("expired_token"),
    onToken("invalid_grant_200"),
  ], revoked),
  row("`missing_scope`", allPlatforms, [onList("missing_scope")], rejected),
  graph("190/460, the password was changed", 190, 460, { ...unharmed, connection: "renewed" }),
  graph("200, no permission", 200, undefined, rejected),
  graph("368, blocked for a while", 368, undefined, rejected),
];

/** Refused for how much was asked. */
export const limits: Row[] = [
  row("`rate_limited`, with a time", allPlatforms, [
    onList("rate_limited", { retry_after: 120 }),
  ], { ...slowedDown, next: "120 s, as told" }),
  row("`rate_limited`, with more than a day", allPlatforms, [
    onList("rate_limited", { retry_after: 90_000 }),
  ], { ...rejected, code: "PROVIDER_RATE_LIMITED" }),
  row("`rate_limited`", youtube, [onList("rate_limited")], slowedDown),
  row("`rate_limited`", instagram, [onList("rate_limited")], { ...slowedDown, next: "5 min" }),
  row("`rate_limited`", tiktok, [onList("rate_limited")], { ...slowedDown, next: "1 min" }),
  row("`user_rate_limited`", youtube, [onList("user_rate_limited")], slowedDown),
  row("`user_rate_limited`", instagram, [onList("user_rate_limited")], {
    ...slowedDown,
    next: "5 min",
  }),
  row("`user_rate_limited`", tiktok, [onList("user_rate_limited")], {
    ...slowedDown,
    next: "1 min",
  }),
  row("`quota_exceeded`", youtube, [onList("quota_exceeded")], {
    ...putOff,
    next: "Pacific midnight, or 10 min later",
  }),
  row("`quota_exceeded`: the app's hour", instagram, [onList("quota_exceeded")], {
    ...slowedDown,
    next: "5 min",
  }),
  row("`quota_exceeded`: it has none of the day", tiktok, [onList("quota_exceeded")], {
    ...slowedDown,
    next: "1 min",
  }),
  graph("613, a limit of its own", 613, undefined, { ...slowedDown, next: "5 min" }),
  graph("9, used up for the day", 9, undefined, { ...putOff, next: "1 h to 1 h 10 min" }),
];
