/** Limits of the hosted platform (paid plan), kept here so that what breaks there breaks here. */
export interface FunctionLimits {
  /** Longest life of a process. At half of it new requests go to a fresh one. */
  readonly wallClockMs: number;
  /** A request without a response for this long is answered 504. */
  readonly idleMs: number;
  /** CPU time of one request, or without once coming back to the event loop. */
  readonly cpuMs: number;
  /** For the heap, and once more for everything together. */
  readonly memoryMb: number;
  readonly bodyBytes: number;
  /** A process that is not listening after this long failed to boot. */
  readonly bootMs: number;
  /** A replaced process (its source changed) has this long to finish. */
  readonly graceMs: number;
}

/** The defaults; the body limit is ours, the platform documents none. */
export const hostedLimits: FunctionLimits = {
  wallClockMs: 400_000,
  idleMs: 150_000,
  cpuMs: 2_000,
  memoryMb: 256,
  bodyBytes: 50 * 1024 * 1024,
  bootMs: 30_000,
  graceMs: 5_000,
};
