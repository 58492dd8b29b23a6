import { QueueProcess, type Runtimes } from "../process/queue_process.ts";
import type { Contender } from "../queues/contenders.ts";

/** A database made for one measurement, and the processes on it; gone when it is disposed of. */
export class Place implements AsyncDisposable {
  readonly #workers: QueueProcess[] = [];

  private constructor(
    private readonly runtimes: Runtimes,
    private readonly contender: Contender,
    /** URL of the database, as superuser. */
    readonly url: string,
    /** The process through which the contender is installed, fed and asked. */
    readonly client: QueueProcess,
    private readonly remove: () => Promise<unknown>,
  ) {}

  /** Starts the client's process on a database; `remove` drops it in the end. */
  static async open(
    runtimes: Runtimes,
    contender: Contender,
    url: string,
    remove: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Place> {
    const client = await QueueProcess.start(runtimes, contender, url);
    return new Place(runtimes, contender, url, client, remove);
  }

  /** A fresh process for a worker. */
  async worker(): Promise<QueueProcess> {
    const worker = await QueueProcess.start(this.runtimes, this.contender, this.url);
    this.#workers.push(worker);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.client, ...this.#workers].map((process) => process.close()));
    await this.remove();
  }
}
