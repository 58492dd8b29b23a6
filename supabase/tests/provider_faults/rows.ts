/** What a sync does on every bad day that the simulators can act out, as docs/PROVIDER_FAULTS.md says it. */
import type { FaultKind } from "../../../local/providers/faults.ts";
import type { ErrorCode } from "../../functions/_shared/errors.ts";

/** The platforms whose content is synced. */
export const allPlatforms = ["youtube", "instagram", "tiktok"] as const;
/** One of them. */
export type Platform = typeof allPlatforms[number];

/** A switch, and the call that it strikes. */
export interface FaultSwitch {
  kind: FaultKind;
  at: "account" | "list" | "details" | "token";
  /** Of the list; the first call there, unless said. */
  page?: number;
  /** One call, unless said; null is all from then on. */
  count?: number | null;
  status?: 500 | 503;
  retry_after?: number;
  code?: number;
  subcode?: number;
  delay_ms?: number;
}

/** What the queue makes of the run that meets the fault. */
export type Job = "completed" | "tried again" | "put off" | "failed";
/** When the next run is due. */
export type Next =
  | "-"
  | "5 s, doubled each time"
  | "120 s, as told"
  | "1 min"
  | "5 min"
  | "1 h to 1 h 10 min"
  | "Pacific midnight, or 10 min later";
/** What has become of the connection. */
export type Connection = "stays" | "renewed" | "ended, owner told";
/** How the job is done in the end, and with what. */
export type End =
  | "all stored, each once"
  | "all others stored, one is missing"
  | "all others stored"
  | "all others unchanged, one removed"
  | "all stored, counts unknown"
  | "the first page stays, the unit is given back"
  | "nothing is stored, the unit is given back"
  | "failed after 5 more runs, the first page stays, the unit is given back";

/** A bad day and its outcome. */
export interface Row {
  title: string;
  on: readonly Platform[];
  faults: readonly FaultSwitch[];
  /** A whole sync has gone before. */
  again?: true;
  /** The tokens are of the same day. */
  young?: true;
  job: Job;
  code: ErrorCode | "-";
  next: Next;
  connection: Connection;
  end: End;
}

type Outcome = Pick<Row, "job" | "code" | "next" | "connection" | "end">;

/** As if nothing had been. */
export const unharmed: Outcome = {
  job: "completed",
  code: "-",
  next: "-",
  connection: "stays",
  end: "all stored, each once",
};
/** Worth another try, soon. */
export const retried: Outcome = {
  ...unharmed,
  job: "tried again",
  code: "PROVIDER_UNAVAILABLE",
  next: "5 s, doubled each time",
};
/** The platform says, or implies, for how long. */
export const slowedDown: Outcome = { ...retried, code: "PROVIDER_RATE_LIMITED" };
/** No use to try again. */
export const rejected: Outcome = {
  ...unharmed,
  job: "failed",
  code: "PROVIDER_REJECTED",
  end: "the first page stays, the unit is given back",
};
/** The grant is gone. */
export const revoked: Outcome = {
  ...rejected,
  code: "CONNECTION_REVOKED",
  connection: "ended, owner told",
};
/** Until there is quota again. */
export const putOff: Outcome = { ...unharmed, job: "put off" };

/** Where a switch has nothing to strike in a sync of this platform, and why. */
export const elsewhere: Partial<Record<FaultKind, Partial<Record<Platform, string>>>> = {
  graph_error: { youtube: "a code of Meta's", tiktok: "a code of Meta's" },
  other_shape: {
    youtube: "a shape of Instagram's",
    instagram: "met when connecting, see below",
    tiktok: "a shape of Instagram's",
  },
  stuck_cursor: {
    youtube: "an empty page that leads back to itself, see `empty_page`",
    instagram: "an empty page that leads back to itself, see `empty_page`",
  },
  invalid_grant_200: {
    youtube: "seen of TikTok only",
    instagram: "seen of TikTok only",
  },
};
