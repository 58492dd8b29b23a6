import type { Scenario } from "./scenario.ts";

/** Many jobs of one caller, the fastest way a system offers. */
export const bulk: Scenario = {
  name: "bulk",
  contenders: ["graphile_500", "pg_boss", "pgmq", "ours_bare", "ours_full"],
  async measure(lab, contender, { bulk: count }) {
    const client = await lab.client(contender);
    await client.ask("clear", {});
    const took = await client.ask("enqueue_bulk", { count });
    const { waiting } = await client.ask("contents", {});
    if (waiting !== count) throw new Error(`${contender.id} holds ${waiting} jobs after the bulk.`);
    return { bulk: count / took * 1000 };
  },
};
