import type { Sql } from "postgres";
import { limits } from "../limits.ts";
import type { Log } from "../services.ts";
import type { RowChange } from "../pgoutput.ts";
import { asksFor, askVisibility, type Delivery, filterBindings, send } from "./delivery.ts";
import { checkBinding, type Subscription } from "./subscription.ts";
import { Tables } from "./tables.ts";

const BATCH = 100;

/**
 * Tells subscribers about changed rows, in commit order.
 *
 * Changes are taken in batches: what waited while the last batch was checked shares its queries,
 * one visibility query per table and identity, however many rows and channels there are.
 */
export class Changes {
  readonly #sql: Sql;
  readonly #log: Log;
  readonly #tables: Tables;
  readonly #subscriptions = new Set<Subscription>();
  #waiting: RowChange[] = [];
  #working = false;

  constructor(sql: Sql, log: Log) {
    this.#sql = sql;
    this.#log = log;
    this.#tables = new Tables(sql);
  }

  /** Checks the bindings and starts to deliver; throws a `BindingError` when one is refused. */
  async subscribe(subscription: Subscription): Promise<void> {
    subscription.bindings = await Promise.all(
      subscription.bindings.map((binding) =>
        checkBinding(this.#sql, this.#tables, binding, subscription.identity)
      ),
    );
    this.#subscriptions.add(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  /** Takes a change from the stream. */
  onChange(change: RowChange): void {
    if (![...this.#subscriptions].some((one) => asksFor(one, change).length > 0)) return;
    if (this.#waiting.length >= limits.waitingChanges) {
      this.#log("error", "row changes dropped: checking them takes longer than making them");
      this.#waiting = [];
    }
    this.#waiting.push(change);
    if (!this.#working) this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#waiting.length > 0) {
      try {
        await this.#deliver(this.#waiting.splice(0, BATCH));
      } catch (error) {
        this.#log("error", "row changes could not be delivered", { error: String(error) });
      }
    }
    this.#working = false;
  }

  async #deliver(batch: RowChange[]): Promise<void> {
    const wanted: Delivery[] = [];
    for (const change of batch) {
      const table = await this.#tables.get(change.relation.oid, change.relation);
      // The platform reads changes by wal2json, which knows partitions by their own names only and
      // passes over those of a partitioned table that is published under its name.
      if (!table || table.isPartitioned) continue;
      for (const subscription of this.#subscriptions) {
        const bindings = asksFor(subscription, change);
        if (bindings.length > 0) wanted.push({ change, table, subscription, bindings });
      }
    }
    const filtered = await filterBindings(this.#sql, wanted);
    const visible = await askVisibility(this.#sql, this.#log, filtered);
    for (const delivery of filtered) {
      if (visible(delivery) && this.#subscriptions.has(delivery.subscription)) send(delivery);
    }
  }
}
