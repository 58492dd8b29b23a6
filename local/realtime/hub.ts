import {
  encodeBroadcast,
  encodeRaw,
  type UserBroadcast,
  type Version,
  type Wire,
} from "./frames.ts";

/** One subscriber of a topic, as far as the hub needs to know it. */
export interface Member {
  readonly version: Version;
  /** May it receive this kind of message? */
  receives(kind: "broadcast" | "presence"): boolean;
  /** Takes a message; broadcasts may have an id. */
  deliver(kind: "broadcast" | "presence", wire: Wire, messageId?: string): void;
}

/** A topic and its namespace: the same name is another topic in private than in public. */
export interface Topic {
  name: string;
  private: boolean;
}

/** A broadcast, opaque or as the JSON payload of a `broadcast` frame. */
export type Broadcast = UserBroadcast | { json: Record<string, unknown> };

/** One string per topic and namespace. */
export function topicKey(topic: Topic): string {
  return `${topic.private ? "private" : "public"}:${topic.name}`;
}

/** Who listens to which topic. */
export class Hub {
  readonly #members = new Map<string, Set<Member>>();

  join(topic: Topic, member: Member): void {
    const members = this.#members.get(topicKey(topic));
    if (members) members.add(member);
    else this.#members.set(topicKey(topic), new Set([member]));
  }

  leave(topic: Topic, member: Member): void {
    const members = this.#members.get(topicKey(topic));
    members?.delete(member);
    if (members?.size === 0) this.#members.delete(topicKey(topic));
  }

  /** Sends a broadcast to everyone on the topic but `except`. */
  broadcast(topic: Topic, broadcast: Broadcast, except?: Member): void {
    const wireTopic = `realtime:${topic.name}`;
    const id = "json" in broadcast ? undefined : broadcast.meta?.id;
    const messageId = typeof id === "string" ? id : undefined;
    this.#send(
      topic,
      "broadcast",
      (version) =>
        "json" in broadcast
          ? encodeRaw(version, wireTopic, "broadcast", JSON.stringify(broadcast.json))
          : encodeBroadcast(version, wireTopic, broadcast),
      (member) => member !== except,
      messageId,
    );
  }

  /** Tells everyone on the topic who came and who went. */
  presenceDiff(topic: Topic, diff: { joins: unknown; leaves: unknown }): void {
    const payload = JSON.stringify(diff);
    this.#send(
      topic,
      "presence",
      (version) => encodeRaw(version, `realtime:${topic.name}`, "presence_diff", payload),
    );
  }

  // Encodes once per serialisation, however many members there are.
  #send(
    topic: Topic,
    kind: "broadcast" | "presence",
    encode: (version: Version) => Wire | null,
    accept: (member: Member) => boolean = () => true,
    messageId?: string,
  ): void {
    const encoded = new Map<Version, Wire | null>();
    // A copy: who is cut off for a message leaves while it is sent.
    for (const member of [...this.#members.get(topicKey(topic)) ?? []]) {
      if (!member.receives(kind) || !accept(member)) continue;
      let wire = encoded.get(member.version);
      if (wire === undefined) {
        wire = encode(member.version);
        encoded.set(member.version, wire);
      }
      if (wire !== null) member.deliver(kind, wire, messageId);
    }
  }
}
