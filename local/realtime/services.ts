import type { log } from "../part.ts";
import type { Authorizer } from "./authorization.ts";
import type { Changes } from "./changes/changes.ts";
import type { Hub } from "./hub.ts";
import type { Presence } from "./presence.ts";
import type { Rates } from "./rates.ts";
import type { Replay } from "./replay.ts";
import type { Tokens } from "./tokens.ts";

/** Writes one line of the part's log. */
export type Log = typeof log;

/** What sockets and channels share. */
export interface Services {
  tokens: Tokens;
  authorizer: Authorizer;
  hub: Hub;
  presence: Presence;
  replay: Replay;
  changes: Changes;
  rates: Rates;
  /** True once the database is followed; false when that takes too long to wait for. */
  whenFollowing(): Promise<boolean>;
  log: Log;
}
