import type { Backlog } from "../queues/contract.ts";
import { entersRatios, measureLoss } from "./loss.ts";
import { runDrain } from "./run_drain.ts";
import type { Figures, Scenario, Setting } from "./scenario.ts";

/** So many more jobs wait than are drained, so that both drains end the same way: with work left. */
const rest = 1.1;

/** Jobs taken from a million that wait, against as many from a queue that holds little more. */
export const pendingCrowd: Scenario = {
  name: "pending_crowd",
  compared: ["ours_bare"],
  others: ["graphile_500"],
  measure: (setting) =>
    measureCrowd("pending", setting, ({ crowd }) => ({ pending: crowd, finished: 0 })),
};

/** A queue that remembers a million finished jobs; of the peers only pg-boss keeps them at hand. */
export const finishedCrowd: Scenario = {
  name: "finished_crowd",
  compared: ["ours_bare"],
  others: ["pg_boss"],
  measure: (setting) =>
    measureCrowd("finished", setting, ({ crowd, drainedFromCrowd }) => ({
      pending: Math.ceil(rest * drainedFromCrowd),
      finished: crowd,
    })),
};

function measureCrowd(
  name: string,
  { lab, contender, sizes, round }: Setting,
  crowdOf: (sizes: Setting["sizes"]) => Backlog,
): Promise<Figures> {
  const count = sizes.drainedFromCrowd;
  const drainFrom = async (backlog: Backlog) => {
    await using place = await lab.place(contender, backlog);
    const drain = { count, processes: 1, limitMs: sizes.drainLimitMs };
    return await runDrain({ lab, contender, place }, drain);
  };
  return measureLoss(name, round, entersRatios(contender), {
    plain: () => drainFrom({ pending: Math.ceil(rest * count), finished: 0 }),
    hindered: () => drainFrom(crowdOf(sizes)),
  });
}
