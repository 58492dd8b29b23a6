import { Channel, type Connection } from "./channel/channel.ts";
import {
  type ClientFrame,
  decodeBinary,
  decodeText,
  encodeRaw,
  type Version,
  type Wire,
} from "./frames.ts";
import { limits } from "./limits.ts";
import type { Services } from "./services.ts";
import type { Claims } from "./tokens.ts";

const CLOSE_TOO_BIG = 1009;
const CLOSE_POLICY = 1008;
const CLOSE_NORMAL = 1000;
/** Clients come back by themselves, unlike after a normal close. */
const CLOSE_RESTART = 1012;

/** One client's WebSocket and the channels on it. */
export class Socket implements Connection {
  readonly #channels = new Map<string, Channel>();
  #lastFrameAt = Date.now();
  #dropped = false;

  constructor(
    readonly services: Services,
    readonly webSocket: WebSocket,
    readonly version: Version,
    readonly claims: Claims,
    readonly headers: Record<string, string>,
  ) {
    webSocket.binaryType = "arraybuffer";
    const watch = setInterval(() => this.#closeWhenIdle(), limits.idleMs / 4);
    webSocket.onmessage = ({ data }) => this.#receive(data);
    webSocket.onerror = () => {};
    webSocket.onclose = () => {
      clearInterval(watch);
      this.#endChannels();
      services.rates.disconnected(this);
    };
  }

  write(wire: Wire): void {
    if (this.#dropped || this.webSocket.readyState !== WebSocket.OPEN) return;
    if (this.webSocket.bufferedAmount > limits.unsentBytes) return this.#drop();
    this.webSocket.send(wire);
  }

  remove(channel: Channel): void {
    for (const [topic, one] of this.#channels) if (one === channel) this.#channels.delete(topic);
  }

  /** Ends the connection because the server goes; the client may try the next one at once. */
  restart(): void {
    this.#close(CLOSE_RESTART, "Service restart");
  }

  #close(code: number, reason?: string): void {
    this.#endChannels();
    if (this.webSocket.readyState === WebSocket.OPEN) this.webSocket.close(code, reason);
  }

  // A reader that does not keep up must not cost memory, nor delay anyone.
  #drop(): void {
    this.#dropped = true;
    this.services.log("warn", "slow reader dropped", { waiting: this.webSocket.bufferedAmount });
    this.webSocket.close(CLOSE_POLICY, "Too slow");
    this.#endChannels();
  }

  #endChannels(): void {
    for (const channel of [...this.#channels.values()]) channel.end();
  }

  #closeWhenIdle(): void {
    if (Date.now() - this.#lastFrameAt > limits.idleMs) this.#close(CLOSE_NORMAL);
  }

  #receive(data: string | ArrayBuffer): void {
    this.#lastFrameAt = Date.now();
    const size = typeof data === "string" ? data.length : data.byteLength;
    if (size > limits.frameBytes) return this.webSocket.close(CLOSE_TOO_BIG);
    let frame: ClientFrame;
    try {
      frame = typeof data === "string"
        ? decodeText(this.version, data)
        : decodeBinary(new Uint8Array(data));
    } catch (error) {
      this.services.log("warn", "unreadable frame", { error: String(error) });
      return this.webSocket.close(CLOSE_POLICY, "Unreadable frame");
    }
    this.#dispatch(frame);
  }

  #dispatch(frame: ClientFrame): void {
    const channel = this.#channels.get(frame.topic);
    if (frame.topic === "phoenix") {
      if (frame.event === "heartbeat") this.#reply(frame, "ok", {});
    } else if (frame.event === "phx_join") {
      this.#join(frame, channel);
    } else if (!channel) {
      if (frame.event === "phx_leave") this.#reply(frame, "ok", {});
      else this.#reply(frame, "error", { reason: "unmatched topic" });
    } else if (!isStale(frame, channel)) {
      channel.handle(frame);
    }
  }

  #join(frame: ClientFrame, previous?: Channel): void {
    if (!frame.topic.startsWith("realtime:")) {
      return this.#reply(frame, "error", { reason: "unmatched topic" });
    }
    previous?.close();
    const refusal = this.#refusal();
    if (refusal) {
      this.#reply(frame, "error", { reason: refusal });
      if (this.services.rates.joins.exceededBy()) this.#close(CLOSE_NORMAL);
      return;
    }
    this.services.rates.joins.add();
    this.services.rates.connected(this);
    this.#channels.set(frame.topic, new Channel(this.services, this, frame));
  }

  /** Why there is no room for another channel, if so. */
  #refusal(): string | undefined {
    const { rates } = this.services;
    if (!rates.hasRoomFor(this)) return "ConnectionRateLimitReached: Too many connected users";
    if (rates.joins.exceededBy()) return "ClientJoinRateLimitReached: Too many joins per second";
    return this.#channels.size >= limits.channelsPerSocket
      ? "ChannelRateLimitReached: Too many channels"
      : undefined;
  }

  #reply(frame: ClientFrame, status: "ok" | "error", response: Record<string, unknown>): void {
    const payload = JSON.stringify({ status, response });
    this.write(encodeRaw(this.version, frame.topic, "phx_reply", payload, frame));
  }
}

// A channel that has since been joined anew must not be left. Anything else is taken, as the platform
// does, whatever join it says it belongs to.
function isStale(frame: ClientFrame, channel: Channel): boolean {
  return frame.event === "phx_leave" && frame.joinRef !== null &&
    frame.joinRef !== channel.joinRef;
}
