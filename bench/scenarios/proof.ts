import type { WorkReport } from "../process/protocol.ts";
import type { Contender } from "../queues/contenders.ts";
import type { Contents } from "../queues/contract.ts";
import { sum } from "../statistics.ts";

/** Counts the jobs that were handled; throws when any was handled twice, in one process or in two. */
export function distinctJobs({ id }: Pick<Contender, "id">, reports: WorkReport[]): number {
  const seen = reports.map(({ bits }) => Uint8Array.fromBase64(bits));
  const all = new Uint8Array(seen[0]!.length);
  for (const bits of seen) bits.forEach((byte, i) => all[i]! |= byte);
  const distinct = sum(Array.from(all, bitsSet));
  const handled = sum(reports.map((report) => report.handled));
  if (distinct !== handled) throw new Error(`${id} handled ${handled - distinct} jobs twice.`);
  return distinct;
}

/** Throws unless exactly the handled jobs left the queue, and are recorded where that is done. */
export function proveAcknowledged(
  { id }: Pick<Contender, "id">,
  before: Contents,
  after: Contents,
  handled: number,
): void {
  const gone = before.waiting - after.waiting;
  if (gone !== handled) {
    throw new Error(`${id} handled ${handled} jobs, and ${gone} left the queue.`);
  }
  if (after.finished === null || before.finished === null) return;
  const recorded = after.finished - before.finished;
  if (recorded !== handled) {
    throw new Error(`${id} handled ${handled} jobs; ${recorded} are recorded as finished.`);
  }
}

function bitsSet(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) count++;
  return count;
}
