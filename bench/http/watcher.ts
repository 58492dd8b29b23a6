import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import type { StackInfo } from "../../local/stack/info.ts";
import { wallClock } from "../process/protocol.ts";
import type { Creator } from "./crowd.ts";

/** A change of a job as its owner's client hears of it. */
export interface News {
  readonly jobId: string;
  readonly status: string;
  /** When the change was written and when the client heard of it, in milliseconds of the wall clock. */
  readonly writtenAt: number;
  readonly heardAt: number;
}

/** An owner who watches their jobs with an unmodified supabase-js client. */
export class Watcher {
  readonly news: News[] = [];
  #heard: () => void = () => {};

  private constructor(
    readonly creator: Creator,
    private readonly client: SupabaseClient,
    private readonly channel: RealtimeChannel,
  ) {}

  /** Joins the owner's private topic. */
  static async join(stack: StackInfo, creator: Creator): Promise<Watcher> {
    const client = createClient(stack.api_url, stack.publishable_key, {
      accessToken: () => Promise.resolve(creator.token),
    });
    await client.realtime.setAuth();
    const channel = client.channel(`user_jobs:${creator.id}`, { config: { private: true } });
    const watcher = new Watcher(creator, client, channel);
    channel.on("broadcast", { event: "job_update" }, ({ payload }) => watcher.#hear(payload));
    await new Promise<void>((resolve, reject) =>
      channel.subscribe((status, error) => {
        if (status === "SUBSCRIBED") resolve();
        else reject(error ?? new Error(status));
      })
    );
    return watcher;
  }

  /** Waits until the owner has heard of this. */
  async hears(isIt: (news: News) => boolean): Promise<News> {
    for (;;) {
      const found = this.news.find(isIt);
      if (found) return found;
      await new Promise<void>((resolve) => this.#heard = resolve);
    }
  }

  async leave(): Promise<void> {
    await this.client.removeChannel(this.channel);
    this.client.realtime.disconnect();
  }

  #hear(payload: { job_id: string; status: string; updated_at: string }): void {
    this.news.push({
      jobId: payload.job_id,
      status: payload.status,
      writtenAt: momentOf(payload.updated_at),
      heardAt: wallClock(),
    });
    this.#heard();
  }
}

/** Milliseconds of a database timestamp, to the microsecond, which `Date` would cut off. */
export function momentOf(timestamp: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(timestamp)?.[1] ?? "";
  return Date.parse(timestamp) + Number(micros.padEnd(3, "0")) / 1000;
}
