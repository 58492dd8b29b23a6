import { runDrain } from "./run_drain.ts";
import type { Figures, Scenario, Sizes } from "./scenario.ts";

/** Empties a full queue: with one worker process and with two. */
export const drain: Scenario = {
  name: "drain",
  compared: ["graphile_500", "graphile_2000", "ours_bare", "ours_full"],
  others: ["bare_table", "pgmq", "pg_boss", "ours_logged"],
  measure: drainOf("drain", (sizes) => sizes.drain),
};

/** The same with more jobs, where the start no longer counts. */
export const largeDrain: Scenario = {
  name: "large_drain",
  compared: ["graphile_500", "graphile_2000", "ours_bare", "ours_full"],
  others: ["bare_table", "pgmq", "pg_boss"],
  measure: drainOf("large_drain", (sizes) => sizes.largeDrain),
};

function drainOf(
  name: "drain" | "large_drain",
  sizeOf: (sizes: Sizes) => number,
): Scenario["measure"] {
  return async ({ lab, contender, sizes }) => {
    const count = sizeOf(sizes);
    const figures: Figures = {};
    for (const processes of [1, 2]) {
      await using place = await lab.place(contender, { pending: count, finished: 0 });
      const limitMs = sizes.drainLimitMs;
      const done = await runDrain({ lab, contender, place }, { count, processes, limitMs });
      figures[`${name}_${processes}`] = done.jobsPerSecond;
      if (processes > 1) continue;
      figures[`${name}_wal_bytes`] = done.walBytesPerJob;
      figures[`${name}_worker_cpu_us`] = done.workerCpuMicrosPerJob;
      if (done.databaseCpuMicrosPerJob !== null) {
        figures[`${name}_database_cpu_us`] = done.databaseCpuMicrosPerJob;
      }
    }
    return figures;
  };
}
