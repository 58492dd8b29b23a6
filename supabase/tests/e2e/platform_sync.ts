/** One creator's account at one platform, synced by worker processes that may be killed. */
import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { openQueue, type Queue } from "../../functions/_shared/jobs/real_queue.ts";
import { ended, Person } from "./person.ts";
import { accountWith } from "./simulator.ts";
import { startSyncWorker } from "./sync_worker_process.ts";

type Job = Awaited<ReturnType<Person["job"]>>;

/** What to run, and how long. */
export interface RunOptions {
  /** Each worker dies at its page of this number; left out, none does. */
  dieAt?: number;
  params?: { max_results?: number };
  /** Goes on with a job instead of making one. */
  job?: string;
  /** When to stop the workers; left out, at the end of the job. */
  until?: (job: Job) => boolean;
}

/** What a run took. */
export interface Run {
  job: Job;
  /** How many workers died. */
  deaths: number;
  /** Bytes above an idle worker at the worst moment; null when none was idle. */
  extraMemory: number | null;
}

/** The account, the queue that only its syncs are in, and the processes. */
export class PlatformSync implements AsyncDisposable {
  readonly #running = new Set<Deno.ChildProcess>();
  #deaths = 0;
  #idle: number | null = null;
  #peak = 0;

  private constructor(
    readonly stack: StackInfo,
    readonly platform: string,
    readonly email: string,
    readonly creator: Person,
    readonly account: string,
    readonly queue: Queue,
    readonly bucket: string,
  ) {}

  /** Connects an account of so many items. Its calls count in a bucket that no other test's do. */
  static async open(
    platform: string,
    items: number,
    bucket = crypto.randomUUID() as string,
  ): Promise<PlatformSync> {
    const stack = await readStack();
    const creator = await Person.signUp(stack);
    const email = accountWith(items);
    const account = await creator.connect(platform, email);
    const queue = await openQueue();
    // A killed worker's job goes on soon; the sync's own type takes up to half a minute.
    await queue.sql`update public.job_type set lease = '2 seconds' where name = ${queue.type}`;
    return new PlatformSync(stack, platform, email, creator, account, queue, bucket);
  }

  async [Symbol.asyncDispose]() {
    await Promise.all([...this.#running].map((process) => {
      process.kill("SIGKILL");
      return process.status;
    }));
    await this.queue.sql`delete from private.provider_quota where bucket = ${this.bucket}`;
    await this.queue[Symbol.asyncDispose]();
  }

  /** Runs a sync. */
  async run({ dieAt, params, job, until = ended }: RunOptions = {}): Promise<Run> {
    this.#deaths = 0;
    this.#idle = null;
    const processes = this.#start(dieAt ?? 0);
    if (dieAt === undefined) {
      while (this.#idle === null) await new Promise((resolve) => setTimeout(resolve, 20));
      this.#peak = this.#idle;
    }
    const id = job ?? await this.#enqueue(params);
    const row = await this.creator.waitForJob(id, until, 240_000);
    for (const last of this.#running) {
      this.#running.delete(last);
      last.kill("SIGKILL");
      await last.status;
    }
    await processes;
    return {
      job: row,
      deaths: this.#deaths,
      extraMemory: this.#idle === null ? null : this.#peak - this.#idle,
    };
  }

  /** The account's content as it is stored, oldest first. */
  async stored() {
    return await this.queue.sql<
      { id: string; platform_content_id: string; title: string; deleted_by: string | null }[]
    >`
      select id, platform_content_id, title, deleted_by from public.content_item
      where social_account_id = ${this.account} order by published_at, id`;
  }

  /** How many changes of its content were written down. */
  async revisions(): Promise<number> {
    const [row] = await this.queue.sql<{ count: number }[]>`
      select count(*)::int from public.content_revision where user_id = ${this.creator.id}`;
    return row!.count;
  }

  async #enqueue(params: RunOptions["params"]): Promise<string> {
    const { sql, type } = this.queue;
    const [row] = await sql<{ id: string }[]>`
      insert into public.job_queue (user_id, job_type, params)
      values (${this.creator.id}, ${type}, ${
      sql.json({ social_account_id: this.account, ...params })
    })
      returning id`;
    return row!.id;
  }

  async #start(dieAt: number): Promise<void> {
    const { queue: { url, type }, platform, stack, bucket } = this;
    const process = startSyncWorker(stack, bucket, [url, type, platform, String(dieAt)]);
    this.#running.add(process);
    let rest = "";
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#hear(JSON.parse(line));
    }
    // One that was not stopped by us has died, and is replaced.
    if (!this.#running.delete(process)) return;
    const { signal } = await process.status;
    assert.equal(signal, "SIGKILL");
    this.#deaths += 1;
    await this.#start(dieAt);
  }

  #hear({ idle, rss }: { idle?: number; rss?: number }): void {
    if (idle !== undefined) this.#idle = idle;
    if (rss !== undefined) this.#peak = Math.max(this.#peak, rss);
  }
}
