import { percentile } from "../statistics.ts";
import type { Scenario } from "./scenario.ts";

const warmUp = 10;
const pauseMs = 15;
/** Time for a worker to open its connections and to listen. */
const settleInMs = 1_000;
const patienceMs = 2_000;

/** From the call that enqueues to the start of the handler in another process; nothing else to do. */
export const latency: Scenario = {
  name: "latency",
  compared: ["graphile_500", "ours_bare"],
  others: ["pg_boss_notify", "pgmq_notify", "ours_full"],
  async measure({ lab, contender, sizes: { latency: samples } }) {
    await using place = await lab.place(contender);
    const { client } = place;
    const worker = await place.worker();
    const count = warmUp + samples;
    await worker.ask("work", { jobs: count });
    await sleep(settleInMs);
    const enqueuedAt = await client.ask("trickle", { count, pauseMs });
    await client.ask("drained", { limitMs: patienceMs });
    const { startedAt, handled, repeated } = await worker.ask("stop", {});
    if (handled !== count || repeated > 0) {
      throw new Error(`${contender.id} handled ${handled} of ${count}, ${repeated} again.`);
    }
    const waits = enqueuedAt.map((at, n) => startedAt![n]! - at).slice(warmUp);
    return { latency_p50: percentile(waits, 0.5), latency_p95: percentile(waits, 0.95) };
  },
};

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
