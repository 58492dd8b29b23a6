import { type Binding, BindingError, bindingId, parseBinding } from "../changes/binding.ts";
import type { Changes } from "../changes/changes.ts";
import type { Subscription } from "../changes/subscription.ts";
import type { Access } from "./access.ts";
import { ChannelError } from "./error.ts";
import type { Output } from "./output.ts";

/** The `postgres_changes` side of one channel. */
export class RowChanges {
  #subscription?: Subscription;

  constructor(
    readonly changes: Changes,
    readonly requested: Record<string, unknown>[],
    readonly access: Access,
    readonly output: Output,
  ) {}

  /** The bindings as the join reply repeats them; clients insist on order and values. */
  get echo(): Record<string, unknown>[] {
    return this.requested.map((params) => ({ ...params, id: bindingId(params) }));
  }

  /** Subscribes, anew when it was, and tells the client how that went. */
  async subscribe(): Promise<void> {
    if (this.requested.length === 0) return;
    try {
      await this.#subscribe();
      this.output.system("postgres_changes", "ok", "Subscribed to PostgreSQL");
    } catch (error) {
      this.output.system(
        "postgres_changes",
        "error",
        error instanceof BindingError ? error.message : `Unable to subscribe: ${error}`,
      );
    }
  }

  /** Subscribes before the join is answered; what is wrong with a binding refuses the join. */
  async require(): Promise<void> {
    try {
      await this.#subscribe();
    } catch (error) {
      if (!(error instanceof BindingError)) throw error;
      throw new ChannelError("RealtimeDisabledForConfiguration", error.message);
    }
  }

  /** Unsubscribes. */
  end(): void {
    if (this.#subscription) this.changes.unsubscribe(this.#subscription);
    this.#subscription = undefined;
  }

  async #subscribe(): Promise<void> {
    this.end();
    const bindings: Binding[] = this.requested.map(parseBinding);
    const subscription: Subscription = {
      identity: this.access.identity,
      bindings,
      deliver: (payload) => this.output.pushRaw("postgres_changes", payload),
    };
    this.#subscription = subscription;
    await this.changes.subscribe(subscription);
    // The channel may have ended, or subscribed again, while the bindings were checked.
    if (this.#subscription !== subscription) this.changes.unsubscribe(subscription);
  }
}
