/** What arrives on a channel, for a test to wait for. */
import type { RealtimeChannel } from "@supabase/supabase-js";

/** How long a test waits for what must come. */
const PATIENCE_MS = 30_000;
/** How long a test waits to be sure that nothing comes. */
const SILENCE_MS = 300;

/** Joins a channel; fails with the server's reason. */
export function subscribed(channel: RealtimeChannel): Promise<RealtimeChannel> {
  return new Promise((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") resolve(channel);
      else reject(error ?? new Error(status));
    });
  });
}

/** Remembers what arrives, so that a test can wait for it. */
export class Inbox<T> {
  readonly all: T[] = [];
  #wake = () => {};

  readonly put = (item: T): void => {
    this.all.push(item);
    this.#wake();
  };

  /** The first item that fits; fails when none comes. */
  async first(fits: (item: T) => boolean = () => true): Promise<T> {
    await this.until(() => this.all.some(fits));
    return this.all.find(fits)!;
  }

  /** All items, once there are this many. */
  async count(count: number): Promise<T[]> {
    await this.until(() => this.all.length >= count);
    return this.all;
  }

  /** Waits for a condition on what has arrived. */
  async until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!holds()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`it did not come; there is ${JSON.stringify(this.all)}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }
}

/** Long enough for anything that was going to arrive. */
export function silence(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
}

/** A broadcast as a client's callback sees it. */
export interface Received {
  type: string;
  event: string;
  payload: unknown;
  meta?: { id?: string; replayed?: boolean };
}

/** Everything broadcast on a channel from now on. */
export function broadcasts(channel: RealtimeChannel): Inbox<Received> {
  const inbox = new Inbox<Received>();
  channel.on("broadcast", { event: "*" }, (message) => inbox.put(message as Received));
  return inbox;
}

/** Joins a channel and keeps everything that is broadcast on it. */
export async function heardOn(channel: RealtimeChannel): Promise<Inbox<Received>> {
  const inbox = broadcasts(channel);
  await subscribed(channel);
  return inbox;
}
