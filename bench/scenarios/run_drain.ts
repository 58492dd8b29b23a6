import type { Lab } from "../lab/lab.ts";
import type { Place } from "../lab/place.ts";
import type { QueueProcess } from "../process/queue_process.ts";
import type { Contender } from "../queues/contenders.ts";
import { sum } from "../statistics.ts";
import { distinctJobs, proveAcknowledged } from "./proof.ts";

/** How long the first job may take, connections and all. */
const startMs = 30_000;

/** What is to be drained. */
export interface Drain {
  /** Jobs the workers are to take; the rest stays. */
  readonly count: number;
  readonly processes: number;
  readonly limitMs: number;
}

/** What a drain cost. */
export interface Drained {
  readonly jobsPerSecond: number;
  readonly walBytesPerJob: number;
  readonly workerCpuMicrosPerJob: number;
  /** Null where the system does not tell. */
  readonly databaseCpuMicrosPerJob: number | null;
}

/**
 * Lets fresh workers loose on a backlog and times them from the first handler's start to the last
 * acknowledgement, then proves from both sides that every job was handled exactly once. A drain
 * that is cut off, or leaves jobs by intention, is timed from batch to batch.
 */
export async function runDrain(
  { lab, contender, place }: { lab: Lab; contender: Contender; place: Place },
  drain: Drain,
): Promise<Drained> {
  const { client } = place;
  const before = await client.ask("contents", {});
  const workers = await Promise.all(
    Array.from({ length: drain.processes }, () => place.worker()),
  );
  await lab.sql`checkpoint`;
  const wal = await walPosition(lab);
  const cpu = await lab.cpuTimes();
  await Promise.all(workers.map((worker) => worker.ask("work", { jobs: before.waiting })));
  const { first, isCutOff } = await untilHandled(workers, drain);
  const last = progressOf(workers);
  if (!first) throw new Error(`${contender.id} handled nothing in ${startMs} ms.`);
  const empties = !isCutOff && drain.count >= before.waiting;
  const endedAt = empties ? await client.ask("drained", { limitMs: drain.limitMs }) : last.at;
  if (endedAt === null) throw new Error(`${contender.id} handled all, and acknowledged less.`);
  const walBytes = await walPosition(lab) - wal;
  const databaseCpu = cpu && (await lab.cpuTimes())!.database - cpu.database;
  const firstAt = Math.min(...workers.map(({ tick }) => tick.firstAt).filter((at) => at > 0));
  const reports = await Promise.all(workers.map((worker) => worker.ask("stop", {})));

  const distinct = distinctJobs(contender, reports);
  const after = await client.ask("contents", {});
  proveAcknowledged(contender, before, after, distinct);
  return {
    jobsPerSecond: empties
      ? last.handled / (endedAt - firstAt) * 1000
      : (last.handled - first.handled) / (endedAt - first.at) * 1000,
    walBytesPerJob: walBytes / last.handled,
    workerCpuMicrosPerJob: sum(reports.map(({ cpuMs }) => cpuMs)) / distinct * 1000,
    databaseCpuMicrosPerJob: databaseCpu && databaseCpu / last.handled * 1000,
  };
}

/** How far workers have come, and when the last of those jobs began. */
interface Progress {
  readonly handled: number;
  readonly at: number;
}

/**
 * Waits until so many jobs are handled or the time, counted from the first of them, is over. Tells
 * where they were when they were first seen at work, since batches come at once: the pace of a part
 * is that of the batches after the first.
 */
async function untilHandled(
  workers: QueueProcess[],
  { count, limitMs }: Drain,
): Promise<{ first: Progress | null; isCutOff: boolean }> {
  let end = performance.now() + startMs;
  let first: Progress | null = null;
  for (;;) {
    const now = progressOf(workers);
    if (!first && now.handled > 0) {
      first = now;
      end = performance.now() + limitMs;
    }
    if (now.handled >= count) return { first, isCutOff: false };
    if (performance.now() > end) return { first, isCutOff: true };
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function progressOf(workers: QueueProcess[]): Progress {
  return {
    handled: sum(workers.map(({ tick }) => tick.handled)),
    at: Math.max(...workers.map(({ tick }) => tick.lastAt)),
  };
}

async function walPosition({ sql }: Lab): Promise<number> {
  const [row] = await sql<
    { bytes: string }[]
  >`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`;
  return Number(row!.bytes);
}
