import type { Fault, FaultKind } from "./faults.ts";

/** A fault that is switched on. */
export interface ActiveFault extends Fault {
  id: string;
  /** How many calls it has struck. */
  hits: number;
}

/** The side of a call that faults look at. */
export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly account: string | null;
}

const isMetaList = ({ path }: FaultTarget) =>
  /^\/(?:instagram|facebook)\/.*\/(?:media|posts|videos)$/.test(path);
// TikTok's cursor is in the body: here every page counts, and `skip` says which is meant.
const isTikTokPage = (call: FaultTarget) => call.path.endsWith("/video/list/");
const isList = (call: FaultTarget) =>
  call.path.endsWith("/playlistItems") || isMetaList(call) || isTikTokPage(call);
const isLaterPage = (call: FaultTarget) =>
  isTikTokPage(call) ||
  (isList(call) && (call.query.has("pageToken") || call.query.has("after")));
const hasDetails = (call: FaultTarget) =>
  isMetaList(call) || /\/(videos|video\/(list|query)\/)$/.test(call.path);

// Kinds that make no sense on every call only count the calls where they do.
const fits: Partial<Record<FaultKind, (call: FaultTarget) => boolean>> = {
  duplicate_item: isLaterPage,
  cursor_expired: isLaterPage,
  empty_page: isList,
  deleted_item: hasDetails,
  missing_fields: hasDetails,
  other_shape: (call) => call.path.endsWith("/oauth/access_token"),
  stuck_cursor: isTikTokPage,
  invalid_grant_200: (call) => call.path.endsWith("/oauth/token/"),
};

function matches(fault: Fault, call: FaultTarget): boolean {
  const pattern = fault.path.split("*").map((part) => RegExp.escape(part)).join(".*");
  return new RegExp(`^${pattern}`).test(call.path) &&
    (fault.method === undefined || fault.method === call.method) &&
    (fault.account === undefined || fault.account === call.account) &&
    (fits[fault.kind]?.(call) ?? true);
}

/** The faults that are switched on, in the order in which they were. */
export class FaultBoard {
  #faults: ActiveFault[] = [];
  #made = 0;

  /** Switches a fault on; one with the same id is replaced. */
  add(fault: Fault): ActiveFault {
    const active = { ...fault, id: fault.id ?? `fault-${++this.#made}`, hits: 0 };
    this.remove(active.id);
    this.#faults.push(active);
    return active;
  }

  /** Switches one fault off; false when there is none of that name. */
  remove(id: string): boolean {
    const before = this.#faults.length;
    this.#faults = this.#faults.filter((fault) => fault.id !== id);
    return this.#faults.length < before;
  }

  /** Switches all faults off. */
  clear(): void {
    this.#faults = [];
  }

  /** All faults, also those that are used up, with the number of calls each has struck. */
  list(): readonly ActiveFault[] {
    return this.#faults;
  }

  /**
   * The faults that strike this call; each is counted down. At most one per kind, so that two
   * switches of a kind follow one another.
   */
  strike(call: FaultTarget): ReadonlyMap<FaultKind, ActiveFault> {
    const struck = new Map<FaultKind, ActiveFault>();
    for (const fault of this.#faults) {
      if (struck.has(fault.kind) || fault.count === 0 || !matches(fault, call)) continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      fault.hits++;
      if (fault.count !== null) fault.count--;
      struck.set(fault.kind, fault);
    }
    return struck;
  }
}
