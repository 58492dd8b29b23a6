/**
 * A private Realtime topic that stays joined: through a dropped socket, an expired token, a refused
 * join and a channel that the server has closed. It promises nothing about what was said meanwhile;
 * `onLive` tells its users when to look for themselves.
 *
 * supabase-js rejoins by itself after a dropped socket, with the token it had then. It does not come
 * back after the server has closed the channel, as it does when the token expires. And it has one
 * channel object per topic: a second user of the topic never gets a status, and the first to leave
 * takes it away from the other. Hence one `LiveTopic` per client and topic, shared and counted.
 * @module
 */
import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";

/** Somebody who listens. */
export interface Listener {
  onMessage(payload: unknown): void;
  /** True: what is said from now on arrives; look what was said before. False: it does not. */
  onLive(isLive: boolean): void;
}

/** What a listener holds. */
export interface Listening {
  /** Joins anew, at once: the topic seems deaf, or the page has just come back. */
  rejoin(): void;
  stop(): void;
}

const retryMs = [1_000, 2_000, 5_000, 10_000, 30_000];
/** The join itself times out after 10 s. */
const joinMs = 15_000;
/** A component that is mounted again at once (React's StrictMode) finds its topic still joined. */
const lingerMs = 1_000;

const topics = new WeakMap<SupabaseClient, Map<string, LiveTopic>>();

/** Listens to the event `job_update` of a topic. */
export function listen(client: SupabaseClient, name: string, listener: Listener): Listening {
  const known = topics.get(client) ?? new Map<string, LiveTopic>();
  topics.set(client, known);
  const topic = known.get(name) ?? new LiveTopic(client, name, () => known.delete(name));
  known.set(name, topic);
  return topic.add(listener);
}

class LiveTopic {
  readonly #client: SupabaseClient;
  readonly #name: string;
  readonly #onEmpty: () => void;
  readonly #listeners = new Set<Listener>();
  #channel: RealtimeChannel | null = null;
  #isLive = false;
  #isBuilding = false;
  #isUrgent = false;
  #failures = 0;
  #nextBuildAt = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: SupabaseClient, name: string, onEmpty: () => void) {
    this.#client = client;
    this.#name = name;
    this.#onEmpty = onEmpty;
  }

  add(listener: Listener): Listening {
    this.#listeners.add(listener);
    if (this.#isLive) queueMicrotask(() => this.#isLive && listener.onLive(true));
    else if (this.#listeners.size === 1) this.#buildIn(0);
    return {
      rejoin: () => {
        this.#failures = 0;
        this.#isUrgent = true;
        this.#setLive(false);
        this.#buildIn(0);
      },
      stop: () => {
        if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#buildIn(lingerMs);
      },
    };
  }

  /** Or sooner, if that is planned: the library's own attempts must not put ours off for ever. */
  #buildIn(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.#nextBuildAt) return;
    this.#cancelBuild();
    this.#nextBuildAt = at;
    this.#timer = setTimeout(() => {
      this.#nextBuildAt = Infinity;
      this.#build();
    }, ms);
  }

  #cancelBuild(): void {
    clearTimeout(this.#timer);
    this.#nextBuildAt = Infinity;
  }

  /** Brings the channel to what is wanted: joined anew, or gone. */
  async #build(): Promise<void> {
    if (this.#isBuilding) return this.#buildIn(100);
    if (this.#isLive && this.#listeners.size > 0) return;
    this.#isBuilding = true;
    try {
      // Asks for the session, which renews an expired token, and puts it into the next join.
      await within(5_000, this.#client.realtime.setAuth());
      if (!await this.#leave()) return;
      if (this.#listeners.size > 0) this.#join();
    } finally {
      this.#isBuilding = false;
      this.#isUrgent = false;
    }
  }

  /** False when the old channel had better stay. */
  async #leave(): Promise<boolean> {
    const { realtime } = this.#client;
    const channel = this.#channel;
    if (channel && this.#listeners.size > 0 && !realtime.isConnected()) {
      // The library reopens the socket and rejoins; joins of ours would only pile up in its buffer.
      // Only a socket that somebody has closed on purpose needs a word.
      if (++this.#failures % 10 === 4 || this.#isUrgent) realtime.connect();
      this.#buildIn(this.#pause());
      return false;
    }
    this.#channel = null;
    // Until it is gone, the client would hand out the leaving channel once more.
    if (channel) await within(12_000, this.#client.removeChannel(channel));
    if (this.#listeners.size === 0) {
      this.#isLive = false;
      this.#onEmpty();
    }
    return true;
  }

  #join(): void {
    const channel = this.#client.channel(this.#name, {
      config: { private: true, broadcast: { replication_ready: true } },
    });
    this.#channel = channel;
    channel.on("broadcast", { event: "job_update" }, ({ payload }) => {
      for (const listener of this.#listeners) listener.onMessage(payload);
    });
    // SUBSCRIBED can come before the server itself listens to the database. Servers that know the
    // option say when they do, which is when to look once more.
    channel.on("system", {}, ({ extension, status }: { extension?: string; status?: string }) => {
      if (channel === this.#channel && extension === "system" && status === "ok") {
        this.#setLive(true);
      }
    });
    this.#failures++;
    this.#buildIn(joinMs);
    channel.subscribe((status) => {
      if (channel !== this.#channel) return;
      if (status === "SUBSCRIBED") {
        this.#failures = 0;
        if (this.#listeners.size > 0) this.#cancelBuild();
        this.#setLive(true);
        return;
      }
      // CLOSED is final for this channel, and the library has forgotten it.
      if (status === "CLOSED") this.#channel = null;
      this.#setLive(false);
      this.#buildIn(this.#pause());
    });
  }

  #setLive(isLive: boolean): void {
    if (!isLive && !this.#isLive) return;
    this.#isLive = isLive;
    for (const listener of this.#listeners) listener.onLive(isLive);
  }

  /** Spread, so that a thousand pages do not join in the same second. */
  #pause(): number {
    const ms = retryMs[Math.min(this.#failures, retryMs.length) - 1] ?? retryMs[0]!;
    return ms * (0.8 + Math.random() * 0.4);
  }
}

/** Waits for something, but neither for ever nor for its errors. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([work.catch(() => {}), patience]);
  clearTimeout(timer);
}
