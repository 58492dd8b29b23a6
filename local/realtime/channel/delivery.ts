import type { Wire } from "../frames.ts";
import type { Services } from "../services.ts";

/** What reaches the client of one channel from its topic: in order, and once. */
export class Delivery {
  /** Ids of what was sent as a replay: the stream may yet bring it. */
  readonly #replayed = new Set<string>();
  /** Broadcasts that arrive while a join still reads what was missed; null once it is answered. */
  #held: { wire: Wire; messageId?: string }[] | null = [];

  constructor(
    readonly services: Pick<Services, "rates">,
    readonly write: (wire: Wire) => void,
    readonly onTooMany: () => void,
  ) {}

  /** Takes a message of the topic. */
  take(kind: "broadcast" | "presence", wire: Wire, messageId?: string): void {
    if (messageId !== undefined && this.#replayed.has(messageId)) return;
    const { rates } = this.services;
    rates[kind === "broadcast" ? "messages" : "presence"].add();
    if (!this.#held) this.write(wire);
    else if (kind === "broadcast") this.#held.push({ wire, messageId });
    if (kind === "broadcast" && rates.messages.exceededBy()) this.onTooMany();
  }

  /** Sends what was missed, then what came meanwhile; from now on everything passes as it comes. */
  begin(missed: readonly { id: string; wire: Wire | null }[]): void {
    for (const { id, wire } of missed) {
      this.#replayed.add(id);
      if (wire) this.write(wire);
    }
    for (const { wire, messageId } of this.#held ?? []) {
      if (messageId === undefined || !this.#replayed.has(messageId)) this.write(wire);
    }
    this.#held = null;
  }
}
