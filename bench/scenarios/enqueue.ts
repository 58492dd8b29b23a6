import type { Scenario } from "./scenario.ts";

/** Calls of the best of eight connections until its plans are kept. */
const warmUp = 160;

/** One job per call, as a request of a user makes it: by one client, then by eight at once. */
export const enqueue: Scenario = {
  name: "enqueue",
  compared: ["graphile_500", "ours_bare"],
  others: ["pg_boss", "pgmq", "ours_full"],
  async measure({ lab, contender, sizes: { enqueueAlone, enqueueTogether } }) {
    await using place = await lab.place(contender);
    const { client } = place;
    await client.ask("enqueue", { first: 0, count: warmUp, clients: 8 });
    const cpu = await lab.cpuTimes();
    const alone = await client.ask("enqueue", { first: warmUp, count: enqueueAlone, clients: 1 });
    const together = await client.ask("enqueue", {
      first: warmUp + enqueueAlone,
      count: enqueueTogether,
      clients: 8,
    });
    const databaseCpu = cpu && (await lab.cpuTimes())!.database - cpu.database;
    const { waiting } = await client.ask("contents", {});
    if (waiting !== warmUp + enqueueAlone + enqueueTogether) {
      throw new Error(`${contender.id} holds ${waiting} jobs after the enqueues.`);
    }
    return {
      enqueue_1: enqueueAlone / alone * 1000,
      enqueue_8: enqueueTogether / together * 1000,
      ...(databaseCpu !== null && {
        enqueue_database_cpu_us: databaseCpu / (enqueueAlone + enqueueTogether) * 1000,
      }),
    };
  },
};
