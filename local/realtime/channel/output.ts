import { type ClientFrame, encodeRaw, type Version, type Wire } from "../frames.ts";

/** Status of a reply or system message. */
export type Status = "ok" | "error";

/** Writes the frames of one channel. */
export class Output {
  constructor(
    readonly version: Version,
    readonly wireTopic: string,
    readonly joinRef: string | null,
    readonly write: (wire: Wire) => void,
  ) {}

  /** Name of the topic as applications know it. */
  get topic(): string {
    return this.wireTopic.replace(/^realtime:/, "");
  }

  /** Sends an event. */
  push(event: string, payload: Record<string, unknown>, ref: string | null = null): void {
    this.pushRaw(event, JSON.stringify(payload), ref);
  }

  /** Sends an event whose payload is JSON text. */
  pushRaw(event: string, payload: string, ref: string | null = null): void {
    const refs = { ref, joinRef: this.joinRef };
    this.write(encodeRaw(this.version, this.wireTopic, event, payload, refs));
  }

  /** Answers a frame. */
  reply(frame: ClientFrame, status: Status, response: Record<string, unknown> = {}): void {
    this.push("phx_reply", { status, response }, frame.ref);
  }

  /** Tells the client about the state of the channel or of its row changes. */
  system(extension: "system" | "postgres_changes", status: Status, message: string): void {
    this.push("system", { extension, status, message, channel: this.topic });
  }
}
