/** Every number that shapes a worker, in one place. Durations are milliseconds. */
export interface WorkerOptions {
  /** Handlers that run at once. */
  concurrency: number;
  /**
   * Most jobs claimed by one statement. While there is room for as many again and the queue has more,
   * the next claim waits on the server's side of the wire, so that the server never waits for us.
   */
  claim_batch: number;
  /** Work per invocation; after it the worker drains and leaves the rest to the next one. */
  budget_ms: number;
  /** How long before the end `remaining()` reads zero, so that handlers can stop by themselves. */
  slice_margin_ms: number;
  /** How long an aborted handler may take to stop before its job is given back without it. */
  abort_grace_ms: number;
  /** A cancel must reach the code within 5 s, so this stays well below half of that. */
  heartbeat_ms: number;
  /** A worker that has been full, or has had room again, for so long tells the database at once. */
  room_news_ms: number;
  /** Finished jobs that arrive within this window share one statement. */
  settle_window_ms: number;
  /** Most jobs settled by one statement. */
  settle_batch: number;
  /** Least time between two progress writes of one job. */
  progress_interval_ms: number;
  /** A job that ends sooner than this never writes "Starting". */
  first_progress_ms: number;
  log_flush_ms: number;
  /** First and longest pause between two looks at an empty queue. */
  poll_min_ms: number;
  poll_max_ms: number;
  /** The pause when LISTEN wakes the worker anyway; it then only finds jobs whose time has come. */
  poll_listening_ms: number;
  /** A worker that finds nothing and is not called for so long lets itself be handed the next job. */
  doze_ms: number;
  /** How long a worker with nothing to do stays awake. */
  linger_ms: number;
  /**
   * Jobs that have crashed their worker wait for one that runs nothing. When they have waited for so
   * long, one that always has work takes no more of it until it is empty.
   */
  crash_patience_ms: number;
  /** How long unloading waits for handlers to stop before it gives their jobs back. */
  unload_grace_ms: number;
}

export const defaultOptions: WorkerOptions = {
  concurrency: 8,
  claim_batch: 500,
  budget_ms: 120_000,
  slice_margin_ms: 10_000,
  abort_grace_ms: 5_000,
  heartbeat_ms: 2_000,
  room_news_ms: 100,
  settle_window_ms: 4,
  settle_batch: 500,
  progress_interval_ms: 300,
  first_progress_ms: 20,
  log_flush_ms: 500,
  poll_min_ms: 250,
  poll_max_ms: 1_000,
  poll_listening_ms: 1_000,
  doze_ms: 3,
  linger_ms: 15_000,
  crash_patience_ms: 10_000,
  unload_grace_ms: 300,
};
