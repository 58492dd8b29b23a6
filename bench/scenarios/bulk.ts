import { spreadOf } from "../statistics.ts";
import type { Scenario } from "./scenario.ts";

/** One takes a fraction of a second, in which anything may come between. */
const goes = 3;

/** Many jobs of one caller, the fastest way a system offers. */
export const bulk: Scenario = {
  name: "bulk",
  compared: ["graphile_500", "ours_bare"],
  others: ["bare_table", "pgmq", "pg_boss", "ours_full"],
  async measure({ lab, contender, sizes: { bulk: count } }) {
    await using place = await lab.place(contender);
    const { client } = place;
    const took: number[] = [];
    for (let go = 0; go < goes; go++) {
      took.push(await client.ask("enqueue_bulk", { first: go * count, count }));
    }
    const { waiting } = await client.ask("contents", {});
    if (waiting !== goes * count) {
      throw new Error(`${contender.id} holds ${waiting} jobs after the bulk.`);
    }
    return { bulk: count / spreadOf(took).median * 1000 };
  },
};
