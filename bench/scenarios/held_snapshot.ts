import { connect } from "../../local/postgres/connect.ts";
import { entersRatios, measureLoss } from "./loss.ts";
import { runDrain } from "./run_drain.ts";
import type { Scenario } from "./scenario.ts";

/** A transaction that stays open, such as a long report: nothing that dies meanwhile can be cleaned up. */
export const heldSnapshot: Scenario = {
  name: "held_snapshot",
  compared: ["ours_bare"],
  others: ["graphile_500", "pgmq"],
  measure({ lab, contender, sizes: { underSnapshot: count, drainLimitMs }, round }) {
    const drain = { count, processes: 1, limitMs: 2 * drainLimitMs };
    const backlog = { pending: count, finished: 0 };
    return measureLoss("snapshot", round, entersRatios(contender), {
      async plain() {
        await using place = await lab.place(contender, backlog);
        return await runDrain({ lab, contender, place }, drain);
      },
      async hindered() {
        await using place = await lab.place(contender, backlog);
        const report = connect(place.url);
        const held = await report.reserve();
        await held`begin isolation level repeatable read`;
        await held`select pg_current_xact_id()`;
        const drained = await runDrain({ lab, contender, place }, drain);
        await held`rollback`;
        held.release();
        await report.end();
        return drained;
      },
    });
  },
};
