import type { Scenario } from "./scenario.ts";

const warmUp = 40;

/** One job per call, as a request of a user makes it: by one client, then by eight at once. */
export const enqueue: Scenario = {
  name: "enqueue",
  contenders: ["graphile_500", "pg_boss", "pgmq", "ours_bare", "ours_full"],
  async measure(lab, contender, { enqueueAlone, enqueueTogether }) {
    const client = await lab.client(contender);
    await client.ask("clear", {});
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
