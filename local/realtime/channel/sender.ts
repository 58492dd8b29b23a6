import type { ClientFrame } from "../frames.ts";
import type { Member, Topic } from "../hub.ts";
import { limits } from "../limits.ts";
import type { Services } from "../services.ts";
import type { Access } from "./access.ts";
import type { JoinConfig } from "./join_config.ts";
import type { Output } from "./output.ts";

/** The sending side of one channel. */
export class Sender {
  constructor(
    readonly services: Pick<Services, "hub" | "rates">,
    readonly topic: Topic,
    readonly config: Pick<JoinConfig, "ack" | "self">,
    readonly access: Access,
    readonly output: Output,
    readonly channel: Member,
  ) {}

  /** Passes a client's broadcast on to the topic. */
  async handle(frame: ClientFrame): Promise<void> {
    // The contract: what may not be sent is dropped without an answer.
    if (!await this.access.sends("broadcast")) return;
    this.services.rates.messages.add();
    const { ack, self } = this.config;
    const size = frame.broadcast?.payload.length ?? JSON.stringify(frame.payload).length;
    if (size > limits.broadcastBytes) {
      if (ack) this.output.reply(frame, "error", { reason: "payload_size_exceeded" });
      return;
    }
    const broadcast = frame.broadcast ?? { json: frame.payload };
    this.services.hub.broadcast(this.topic, broadcast, self ? undefined : this.channel);
    if (ack) this.output.reply(frame, "ok");
  }
}
