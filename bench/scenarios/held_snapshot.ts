import { connect } from "../../local/postgres/connect.ts";
import { loadAndDrain, loss } from "./load_and_drain.ts";
import type { Scenario } from "./scenario.ts";

/** A transaction that stays open, such as a long report: nothing that dies meanwhile can be cleaned up. */
export const heldSnapshot: Scenario = {
  name: "held_snapshot",
  contenders: ["ours_bare", "graphile_500", "pgmq"],
  async measure(lab, contender, { underSnapshot: count, drainLimitMs }) {
    const limitMs = 2 * drainLimitMs;
    const undisturbed = await loadAndDrain(lab, contender, count, limitMs);

    const report = connect(lab.url(contender));
    try {
      const held = await report.reserve();
      await held`begin isolation level repeatable read`;
      await held`select pg_current_xact_id()`;
      const disturbed = await loadAndDrain(lab, contender, count, limitMs);
      await held`rollback`;
      held.release();
      return {
        snapshot_drain: disturbed.jobsPerSecond,
        snapshot_loss: loss(undisturbed, disturbed),
      };
    } finally {
      await report.end();
    }
  },
};
