import { type ClientFrame, isRecord } from "../frames.ts";
import type { Topic } from "../hub.ts";
import { limits } from "../limits.ts";
import type { Services } from "../services.ts";
import type { Access } from "./access.ts";
import { ChannelError } from "./error.ts";
import type { Output } from "./output.ts";

/** The presence side of one channel: at most one tracked entry. */
export class Tracker {
  #calls = 0;
  #windowEnds = 0;
  #tracked = "";

  constructor(
    readonly services: Pick<Services, "presence" | "rates">,
    readonly topic: Topic,
    readonly key: string,
    readonly access: Access,
    readonly output: Output,
  ) {}

  /** Sends everyone who is present. */
  sendState(): void {
    if (!this.access.receives("presence")) return;
    this.#countForAll();
    this.output.push("presence_state", this.services.presence.state(this.topic));
  }

  /** Handles a `track` or `untrack`. */
  async handle(frame: ClientFrame): Promise<void> {
    this.#count();
    const event = String(frame.payload.event).toLowerCase();
    if (event === "untrack") {
      this.end();
      return this.output.reply(frame, "ok");
    }
    if (event !== "track") return this.output.reply(frame, "error");
    const payload = frame.payload.payload ?? {};
    if (!isRecord(payload)) {
      const reason = "Presence track payload must be a map";
      return this.output.reply(frame, "error", { reason });
    }
    const text = JSON.stringify(payload);
    if (text.length > limits.broadcastBytes) {
      throw new ChannelError("PayloadSizeExceeded", "Track message size exceeded");
    }
    await this.access.askForPresence();
    if (!await this.access.sends("presence")) return this.output.reply(frame, "error");
    if (text !== this.#tracked) {
      this.#countForAll();
      this.#tracked = text;
      this.services.presence.track(this.topic, this, this.key, payload);
    }
    this.output.reply(frame, "ok");
  }

  /** Forgets what is tracked. */
  end(): void {
    this.#tracked = "";
    this.services.presence.untrack(this.topic, this);
  }

  #countForAll(): void {
    const { presence } = this.services.rates;
    if (presence.exceededBy()) {
      throw new ChannelError("PresenceRateLimitReached", "Too many presence messages per second");
    }
    presence.add();
  }

  #count(): void {
    if (Date.now() > this.#windowEnds) {
      this.#windowEnds = Date.now() + limits.presenceWindowMs;
      this.#calls = 0;
    }
    if (++this.#calls > limits.presenceCalls) {
      throw new ChannelError(
        "ClientPresenceRateLimitReached",
        "Client presence rate limit exceeded",
      );
    }
  }
}
