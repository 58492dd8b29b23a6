/** A client that speaks frames, for what the official client never lets one see. */

import { Inbox } from "./inbox.ts";
import type { Project } from "./project.ts";

/** Protocol versions. */
export const versions = ["1.0.0", "2.0.0"] as const;

/** A frame, in whichever version it travelled. */
export interface Frame {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Record<string, unknown>;
}

/** What is sent; the rest has its usual value. */
export type Sent = Pick<Frame, "topic" | "event"> & Partial<Frame>;

/** An open WebSocket and all text frames that came in. */
export class RawSocket implements Disposable {
  readonly frames = new Inbox<Frame>();
  readonly closed: Promise<CloseEvent>;
  readonly #socket: WebSocket;
  readonly #version: string;

  private constructor(socket: WebSocket, version: string) {
    this.#socket = socket;
    this.#version = version;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.frames.put(this.#decode(JSON.parse(data)));
    };
    this.closed = new Promise((resolve) => socket.onclose = resolve);
  }

  static async open(
    { target }: Project,
    { version = "2.0.0", key = target.publishableKey, apiUrl = target.apiUrl } = {},
  ): Promise<RawSocket> {
    const url = `${
      apiUrl.replace("http", "ws")
    }/realtime/v1/websocket?vsn=${version}&apikey=${key}`;
    const socket = new WebSocket(url);
    const raw = new RawSocket(socket, version);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error("the handshake was refused"));
    });
    return raw;
  }

  /** Sends a frame. */
  send({ joinRef = "1", ref = "1", payload = {}, topic, event }: Sent): void {
    this.#socket.send(JSON.stringify(
      this.#version === "2.0.0"
        ? [joinRef, ref, topic, event, payload]
        : { topic, event, payload, ref, join_ref: joinRef },
    ));
  }

  /** Joins a topic and returns the answer. */
  async join(topic: string, payload: Record<string, unknown> = {}, ref = "1"): Promise<Frame> {
    this.send({ topic: `realtime:${topic}`, event: "phx_join", payload, ref, joinRef: ref });
    return await this.reply(ref);
  }

  /** The answer to a frame. */
  async reply(ref: string): Promise<Frame> {
    return await this.frames.first((frame) => frame.event === "phx_reply" && frame.ref === ref);
  }

  /** The first event of a name. */
  async event(name: string): Promise<Frame> {
    return await this.frames.first(({ event }) => event === name);
  }

  /** How often an event came. */
  count(name: string): number {
    return this.frames.all.filter(({ event }) => event === name).length;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #decode(json: unknown): Frame {
    if (this.#version === "2.0.0") {
      const [joinRef, ref, topic, event, payload] = json as [string, string, string, string, never];
      return { joinRef, ref, topic, event, payload };
    }
    const { topic, event, payload, ref, join_ref } = json as Frame & { join_ref: string | null };
    return { topic, event, payload, ref, joinRef: join_ref };
  }
}
