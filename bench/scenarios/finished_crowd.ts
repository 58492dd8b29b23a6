import { loadAndDrain, loss } from "./load_and_drain.ts";
import { runDrain } from "./run_drain.ts";
import type { Scenario } from "./scenario.ts";

const place = "finished";

/** A queue that remembers a million finished jobs; of the peers only pg-boss keeps them at hand. */
export const finishedCrowd: Scenario = {
  name: "finished_crowd",
  contenders: ["ours_bare", "pg_boss"],
  async measure(lab, contender, { crowd, drain: count, drainLimitMs: limitMs }) {
    const alone = await loadAndDrain(lab, contender, count, limitMs);

    const client = await lab.client(contender, place);
    const { waiting, finished } = await client.ask("contents", {});
    await client.ask("load", {
      first: 0,
      pending: count - waiting,
      finished: Math.max(0, crowd - (finished ?? 0)),
    });
    const crowded = await runDrain(lab, contender, {
      place,
      numbers: count,
      count,
      processes: 1,
      limitMs,
    });
    return { finished_drain: crowded.jobsPerSecond, finished_loss: loss(alone, crowded) };
  },
};
