import type { Identity } from "../authorization.ts";
import { type ClientFrame, encodeBroadcast, type Version, type Wire } from "../frames.ts";
import type { Member, Topic } from "../hub.ts";
import type { Services } from "../services.ts";
import { Access } from "./access.ts";
import { Delivery } from "./delivery.ts";
import { asChannelError, ChannelError } from "./error.ts";
import { type JoinConfig, joinConfig } from "./join_config.ts";
import { missedMessages } from "./missed_messages.ts";
import { Output } from "./output.ts";
import { RowChanges } from "./row_changes.ts";
import { Sender } from "./sender.ts";
import { Tracker } from "./tracker.ts";

/** The socket that a channel lives on, with the identity of its key. */
export interface Connection extends Identity {
  readonly version: Version;
  write(wire: Wire): void;
  /** Forgets a channel that has ended. */
  remove(channel: Channel): void;
}

/** One channel of one client, from join to close. */
export class Channel implements Member {
  readonly #services: Services;
  readonly #connection: Connection;
  readonly #config: JoinConfig;
  readonly #topic: Topic;
  readonly #output: Output;
  readonly #access: Access;
  readonly #delivery: Delivery;
  readonly #sender: Sender;
  readonly #tracker: Tracker;
  readonly #rowChanges: RowChanges;
  #open = true;
  /** Frames are handled one after the other: the policies may have to be asked in between. */
  #queue: Promise<void>;

  /** Starts to join; the answer is sent when it is known. */
  constructor(services: Services, connection: Connection, frame: ClientFrame) {
    const { version, claims, headers } = connection;
    const write = (wire: Wire) => this.write(wire);
    const shutDown = (message: string) => this.shutDown(message);
    const config = joinConfig(frame.payload);
    const output = new Output(version, frame.topic, frame.joinRef ?? frame.ref, write);
    const topic = { name: output.topic, private: config.private };
    const access = new Access(services, topic, { claims, headers }, (e) => shutDown(e.message));
    this.#services = services;
    this.#connection = connection;
    this.#config = config;
    this.#output = output;
    this.#topic = topic;
    this.#access = access;
    this.#delivery = new Delivery(services, write, () => shutDown("Too many messages per second"));
    this.#sender = new Sender(services, topic, config, access, output, this);
    this.#tracker = new Tracker(services, topic, config.presence.key, access, output);
    this.#rowChanges = new RowChanges(services.changes, config.changes, access, output);
    this.#queue = this.#join(frame).catch((error) => this.#refuse(frame, error));
  }

  get version(): Version {
    return this.#output.version;
  }

  get joinRef(): string | null {
    return this.#output.joinRef;
  }

  /** Handles a frame after those before it. */
  handle(frame: ClientFrame): void {
    this.#queue = this.#queue
      .then(() => this.#open ? this.#handle(frame) : undefined)
      .catch((error) => {
        this.#services.log("warn", "frame failed", { event: frame.event, error: String(error) });
        if (error instanceof ChannelError || frame.event === "access_token") {
          this.shutDown(asChannelError(error, this.#topic.name).message);
        } else if (frame.event === "presence") {
          this.#output.reply(frame, "error");
        }
      });
  }

  receives(kind: "broadcast" | "presence"): boolean {
    return this.#access.receives(kind);
  }

  deliver(kind: "broadcast" | "presence", wire: Wire, messageId?: string): void {
    this.#delivery.take(kind, wire, messageId);
  }

  write(wire: Wire): void {
    if (this.#open) this.#connection.write(wire);
  }

  /** Ends the channel, telling the client why. */
  shutDown(message: string): void {
    this.#output.system("system", "error", message);
    this.close();
  }

  /** Ends the channel. */
  close(): void {
    this.#output.push("phx_close", {}, this.joinRef);
    this.end();
  }

  /** Ends the channel without a word: the socket is gone, or the join was refused. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#access.end();
    this.#services.hub.leave(this.#topic, this);
    this.#tracker.end();
    this.#rowChanges.end();
    this.#connection.remove(this);
  }

  async #join(frame: ClientFrame): Promise<void> {
    if (this.#topic.name === "") {
      throw new ChannelError("TopicNameRequired", "You must provide a topic name");
    }
    const { accessToken, presence, waitForChanges, replicationReady } = this.#config;
    const token = this.#access.isKnown(accessToken) ? null : accessToken ?? null;
    if (this.#topic.private) await this.#services.whenFollowing();
    await this.#access.use(token, presence.enabled);
    if (!this.#open) return;
    // Before what was missed is read: nothing may fall between that and what comes from now on.
    this.#services.hub.join(this.#topic, this);
    const replayed = await missedMessages(
      this.#services.replay,
      this.#topic,
      this.#config.replay,
      this.receives("broadcast"),
    );
    if (waitForChanges) await this.#rowChanges.require();
    if (!this.#open) return;

    this.#output.reply(frame, "ok", { postgres_changes: this.#rowChanges.echo });
    this.#delivery.begin(replayed.map(({ id, broadcast }) => ({
      id,
      wire: encodeBroadcast(this.version, frame.topic, broadcast),
    })));
    if (presence.enabled) this.#sendPresence();
    if (replicationReady) await this.#tellWhenFollowing();
    if (!waitForChanges) await this.#rowChanges.subscribe();
  }

  #sendPresence(): void {
    try {
      this.#tracker.sendState();
    } catch (error) {
      this.shutDown(asChannelError(error, this.#topic.name).message);
    }
  }

  async #tellWhenFollowing(): Promise<void> {
    if (await this.#services.whenFollowing()) {
      return this.#output.system("system", "ok", "Replication connection established");
    }
    this.shutDown("Replication connection was not established in time");
  }

  #refuse(frame: ClientFrame, error: unknown): void {
    const { code, message } = asChannelError(error, this.#topic.name);
    const cause = error instanceof ChannelError ? undefined : String(error);
    this.#services.log("warn", "join refused", { topic: this.#topic.name, code, cause });
    this.#output.reply(frame, "error", { reason: `${code}: ${message}` });
    this.end();
  }

  async #handle(frame: ClientFrame): Promise<void> {
    switch (frame.event) {
      case "broadcast":
        return await this.#sender.handle(frame);
      case "presence":
        return await this.#tracker.handle(frame);
      case "access_token":
        return await this.#useToken(frame.payload.access_token);
      case "phx_leave":
        this.#output.reply(frame, "ok");
        return this.close();
    }
  }

  async #useToken(token: unknown): Promise<void> {
    if (typeof token !== "string" || this.#access.isKnown(token)) return;
    await this.#access.use(token, this.#config.presence.enabled);
    await this.#rowChanges.subscribe();
  }
}
