/** Jobs that a scenario finds in the queue before it starts. */
export interface Backlog {
  /** Jobs numbered from 0 on that wait for a worker. */
  readonly pending: number;
  /** Jobs that a worker has finished before, where the system keeps such jobs. */
  readonly finished: number;
}

/** What the database holds; `finished` is null where a finished job leaves no row. */
export interface Contents {
  readonly waiting: number;
  readonly finished: number | null;
}

/** Stops a worker in order: nothing more is taken, what was taken is settled or given back. */
export type StopWorker = () => Promise<void>;

/**
 * A job system as the benchmark sees it: its own client, its own worker, best documented settings.
 * A job carries one number. Lives in a process of its own, in Node or in Deno.
 */
export interface QueueUnderTest {
  /** Makes an empty database ready for the system. */
  install(): Promise<void>;
  /** Adds one job the way an application does; called by several clients at once. */
  enqueue(n: number): Promise<void>;
  /** Adds `count` jobs, numbered from `first` on, the fastest way the system offers. */
  enqueueBulk(first: number, count: number): Promise<void>;
  /** Builds a backlog in an empty queue, such as the system's own API leaves it; never measured. */
  load(backlog: Backlog): Promise<void>;
  /** Runs a worker that calls `handle` once per job; resolves when it is looking for work. */
  work(handle: (n: number) => void): Promise<StopWorker>;
  /** True when every job is acknowledged in the database; cheap. */
  isDrained(): Promise<boolean>;
  /** Counts what the database holds, without estimates. */
  contents(): Promise<Contents>;
  close(): Promise<void>;
}

/** What makes two entries of the same system differ. */
export interface Variant {
  /** Jobs fetched at once. */
  readonly batch?: number;
  /** Woken by a notification; for systems where that is a choice. */
  readonly notify?: boolean;
  /** Ours: who owns the jobs, and whether the handler writes one line to the job's log. */
  readonly mode?: "bare" | "full" | "logged";
}

/** Opens a system on a database. */
export type OpenQueue = (url: string, variant: Variant) => QueueUnderTest;
