/** What a sync reads of a platform: one contract, one implementation per provider. */

import type { CallOptions, NormalizedItem, PlatformAccount } from "./platform.ts";
import type { ItemFailure } from "./read_items.ts";

/** A page of an account's content. */
export interface ContentPage {
  items: NormalizedItem[];
  /** Ids that the list named and that there are no details of: gone between two calls. */
  missing: string[];
  /** What is there and could not be read, each for itself. */
  failed: ItemFailure[];
  /** Where the next page is, in the platform's own words; null when the list has ended. */
  next: string | null;
  /** How many items the platform says there are; null where the list does not tell. */
  total: number | null;
  quotaUsed: number;
  /** How long the platform would have its caller wait before the next page. */
  pauseMs: number;
}

/** With what, and where, an account's content is read. */
export interface SourceAccess {
  accessToken: string;
  /** As {@link SourceAccount.list_id} said. */
  listId: string | null;
}

/** An account, and what a sync has to know of its content. */
export interface SourceAccount extends PlatformAccount {
  /** Null where the platform does not tell. */
  content_count: number | null;
  /** Names the list, where a platform keeps it apart from the account. */
  list_id: string | null;
}

/** What the calls cost of a quota that all users of a platform share. */
export interface SourceCost {
  bucket: string;
  account: number;
  page: number;
}

/** A platform whose content can be synced. */
export interface ContentSource {
  /** As in the table `platform`; the job type is `sync_<platform>`. */
  readonly platform: string;
  /** Null where calls are counted per account, and the platform says itself when it is enough. */
  readonly cost: SourceCost | null;
  /** A list of about this length may have been cut off; null where lists end only at their end. */
  readonly mayStopAt: number | null;
  readAccount(accessToken: string, options?: CallOptions): Promise<SourceAccount>;
  /** `cursor` null asks for the first page; `wanted` is how many more items the caller takes. */
  listPage(
    access: SourceAccess,
    cursor: string | null,
    options: CallOptions & { wanted: number },
  ): Promise<ContentPage>;
  /** True when the platform has forgotten the cursor: the list has to be begun anew. */
  isStaleCursor(error: unknown): boolean;
}
