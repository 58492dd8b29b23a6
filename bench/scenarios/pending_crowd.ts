import { loadAndDrain, loss } from "./load_and_drain.ts";
import { runDrain } from "./run_drain.ts";
import type { Scenario } from "./scenario.ts";

const place = "pending";
/** The first job number not used yet, by contender: the crowd stays from round to round. */
const nextNumber = new Map<string, number>();

/** A few jobs taken from a million that wait, against as few from a queue that holds no more. */
export const pendingCrowd: Scenario = {
  name: "pending_crowd",
  contenders: ["ours_bare", "graphile_500", "pgmq", "pg_boss"],
  async measure(lab, contender, { crowd, drainedFromCrowd: count, drainLimitMs: limitMs }) {
    const alone = await loadAndDrain(lab, contender, count, limitMs);

    const client = await lab.client(contender, place);
    const first = nextNumber.get(contender.id) ?? 0;
    const { waiting } = await client.ask("contents", {});
    const numbers = first + Math.max(0, crowd + count - waiting);
    nextNumber.set(contender.id, numbers);
    await client.ask("load", { first, pending: numbers - first, finished: 0 });
    const crowded = await runDrain(lab, contender, {
      place,
      numbers,
      count,
      processes: 1,
      limitMs,
    });
    return { pending_drain: crowded.jobsPerSecond, pending_loss: loss(alone, crowded) };
  },
};
