/** What one client may do, as on the hosted platform unless a comment says otherwise. */
export const limits = {
  /** Largest frame a client may send. */
  frameBytes: 5 * 1024 * 1024,
  /** Largest payload of one broadcast or presence message. */
  broadcastBytes: 3 * 1024 * 1024,
  /** Larger row changes lose every value of more than {@link limits.keptValueBytes} bytes. */
  changeBytes: 1024 * 1024,
  keptValueBytes: 64,
  channelsPerSocket: 100,
  /** Calls of track/untrack per channel and window. */
  presenceCalls: 5,
  presenceWindowMs: 30_000,
  /** A socket that is silent for longer is closed; clients send a heartbeat every 25 s. */
  idleMs: 60_000,
  /** Longest time between two looks at a token that is in use. */
  tokenCheckMs: 5 * 60_000,
  /** How long a connection lives that only has a project key and no user token. */
  keyTokenSeconds: 24 * 60 * 60,
  replayedMessages: 25,
  /** How long a join waits for the database to be followed. */
  followMs: 5_000,
  /** Ours: what may wait for one slow reader before it is dropped. */
  unsentBytes: 8 * 1024 * 1024,
  /** Ours: row changes that may wait for their row-level-security check before some are dropped. */
  waitingChanges: 50_000,
} as const;
