import type { Calling, Calls, Ear, Sleep } from "./calling.ts";
import type { HandOver } from "./hand_over.ts";
import type { ClaimedJob } from "./job_store.ts";

/** Who listens to a queue in memory, and whether it may be handed a job. */
export class MemorySleep implements Calling {
  #calls: Calls | null = null;
  #sleep: Sleep | null = null;
  /** Handed over while nobody could hear of it. */
  #unheard: HandOver[] = [];
  /** Nothing is heard while set. */
  isDeaf = false;

  /** Whether a worker may be handed a job of this type. */
  mayTake(type: string): boolean {
    return this.#sleep?.types.includes(type) ?? false;
  }

  listen(calls: Calls): Promise<Ear> {
    this.#calls = calls;
    const close = () => Promise.resolve(void (this.#calls = null));
    return Promise.resolve({ channel: "job_for:memory", close });
  }

  ready(): void {
    if (!this.isDeaf) this.#calls?.onReady();
  }

  handOver(job: ClaimedJob): void {
    const { asleep_at } = this.#sleep!;
    this.#sleep = null;
    const handOver = { job, asleep_at, held_ms: 10_000 };
    if (this.isDeaf) this.#unheard.push(handOver);
    else this.#calls?.onHandOver(handOver);
  }

  goToSleep(sleep: Sleep): Promise<HandOver[]> {
    this.#sleep = sleep;
    return Promise.resolve(this.#unheard.splice(0));
  }

  wakeUp(): Promise<HandOver[]> {
    this.#sleep = null;
    return Promise.resolve(this.#unheard.splice(0));
  }
}
