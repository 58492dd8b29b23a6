import { type Hub, type Topic, topicKey } from "./hub.ts";

/** What one tracker says about itself. */
type Meta = Record<string, unknown> & { phx_ref: string };
/** Metas by presence key, in the form that clients know. */
type PresenceState = Record<string, { metas: Meta[] }>;

interface Entry {
  key: string;
  meta: Meta;
}

/** Who is present on which topic. One tracker (a channel) has at most one entry. */
export class Presence {
  readonly #topics = new Map<string, Map<object, Entry>>();
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Everyone on the topic, by presence key. */
  state(topic: Topic): PresenceState {
    const state: PresenceState = {};
    for (const { key, meta } of this.#entries(topic).values()) {
      (state[key] ??= { metas: [] }).metas.push(meta);
    }
    return state;
  }

  /** Adds or replaces what `tracker` says about itself. */
  track(topic: Topic, tracker: object, key: string, payload: Record<string, unknown>): void {
    const entries = this.#entries(topic);
    const previous = entries.get(tracker);
    const meta: Meta = { ...payload, phx_ref: reference() };
    if (previous) meta.phx_ref_prev = previous.meta.phx_ref;
    entries.set(tracker, { key, meta });
    this.#topics.set(topicKey(topic), entries);
    this.#hub.presenceDiff(topic, {
      joins: single({ key, meta }),
      leaves: previous ? single(previous) : {},
    });
  }

  /** Forgets `tracker`; does nothing when it was not tracked. */
  untrack(topic: Topic, tracker: object): void {
    const entries = this.#entries(topic);
    const previous = entries.get(tracker);
    if (!previous) return;
    entries.delete(tracker);
    if (entries.size === 0) this.#topics.delete(topicKey(topic));
    this.#hub.presenceDiff(topic, { joins: {}, leaves: single(previous) });
  }

  #entries(topic: Topic): Map<object, Entry> {
    return this.#topics.get(topicKey(topic)) ?? new Map<object, Entry>();
  }
}

function single({ key, meta }: Entry): PresenceState {
  return { [key]: { metas: [meta] } };
}

function reference(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(12))));
}
