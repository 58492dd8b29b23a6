import * as z from "zod";
import { serviceDb } from "../_shared/db.ts";

const QueueHealth = z.object({
  /** How long the longest-waiting job could have run; what a cap, a rate or a pause holds back does not count. */
  oldest_pending_seconds: z.number(),
  /** Heard of within the last seconds. */
  workers: z.number(),
  last_tick_at: z.string().nullable(),
  /** The processor turned the last rings away: its key and the database's differ. */
  tick_refused: z.boolean(),
  oldest_transaction_seconds: z.number().nullable(),
});

/** What `get_queue_health()` says. */
export type QueueHealth = z.infer<typeof QueueHealth>;

type Status = "ok" | "failing" | "unknown";

/** The answer of `health`, without the version. */
export interface Health {
  success: boolean;
  status: "ok" | "failing";
  checks: {
    database: { status: Status };
    transactions: { status: Status };
    queue: { status: Status; oldest_pending_seconds: number | null };
    tick: { status: Status; seconds_ago: number | null };
    doorbell: { status: Status };
    worker: { status: Status; live: number | null };
  };
}

/** A job that waits longer has found no worker for several ticks. */
const QUEUE_LIMIT_SECONDS = 120;
/** The tick comes every 10 seconds; five have been missed. */
const TICK_LIMIT_SECONDS = 60;
/** An enqueue rings at once and the tick again after 10 seconds; nobody has come. */
const WORKER_LIMIT_SECONDS = 30;
/** Dead rows that an open transaction may still see cannot be cleaned up, and a queue makes many. */
const TRANSACTION_LIMIT_SECONDS = 15 * 60;
const DATABASE_TIMEOUT_MS = 3_000;
/** The endpoint is public and unlimited: however many ask, the database is asked once a second. */
const KEEP_MS = 1_000;

let kept: { health: Promise<Health>; until: number } | undefined;

/** The state of the parts, at most a second old. */
export function checkHealth(now = Date.now()): Promise<Health> {
  if (!kept || kept.until <= now) {
    kept = {
      health: readQueueHealth().then((queue) => judge(queue, Date.now())),
      until: now + KEEP_MS,
    };
  }
  return kept.health;
}

/** What the figures mean. No figures mean that the database did not answer. */
export function judge(queue: QueueHealth | null, now: number): Health {
  const checks: Health["checks"] = queue === null
    ? {
      database: { status: "failing" },
      transactions: { status: "unknown" },
      queue: { status: "unknown", oldest_pending_seconds: null },
      tick: { status: "unknown", seconds_ago: null },
      doorbell: { status: "unknown" },
      worker: { status: "unknown", live: null },
    }
    : judgeQueue(queue, now);
  const success = Object.values(checks).every(({ status }) => status === "ok");
  return { success, status: success ? "ok" : "failing", checks };
}

function judgeQueue(queue: QueueHealth, now: number): Health["checks"] {
  const { oldest_pending_seconds, workers, last_tick_at } = queue;
  const ago = last_tick_at === null
    ? null
    : Math.max(0, Math.round((now - Date.parse(last_tick_at)) / 1000));
  const abandoned = workers === 0 && oldest_pending_seconds > WORKER_LIMIT_SECONDS;
  return {
    database: { status: "ok" },
    transactions: {
      status: verdict((queue.oldest_transaction_seconds ?? 0) <= TRANSACTION_LIMIT_SECONDS),
    },
    queue: {
      status: verdict(oldest_pending_seconds <= QUEUE_LIMIT_SECONDS),
      oldest_pending_seconds,
    },
    tick: { status: verdict(ago !== null && ago <= TICK_LIMIT_SECONDS), seconds_ago: ago },
    doorbell: { status: verdict(!queue.tick_refused) },
    worker: { status: verdict(!abandoned), live: workers },
  };
}

function verdict(good: boolean): Status {
  return good ? "ok" : "failing";
}

async function readQueueHealth(): Promise<QueueHealth | null> {
  try {
    const { data } = await serviceDb()
      .rpc("get_queue_health")
      .abortSignal(AbortSignal.timeout(DATABASE_TIMEOUT_MS))
      .throwOnError();
    return QueueHealth.parse(data);
  } catch {
    return null;
  }
}
