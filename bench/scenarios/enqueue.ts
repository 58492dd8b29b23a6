import { connect } from "../../local/postgres/connect.ts";
import type { Scenario } from "./scenario.ts";

/** Until plans are kept, both runtimes have compiled what they run, and the tables have a size. */
const warmUp = 2000;

/** One job per call, as a request of a user makes it: by one client, then by eight at once. */
export const enqueue: Scenario = {
  name: "enqueue",
  compared: ["graphile_500", "ours_bare"],
  others: ["bare_table", "pgmq", "pg_boss", "ours_full"],
  async measure({ lab, contender, sizes: { enqueueAlone, enqueueTogether } }) {
    await using place = await lab.place(contender);
    const { client } = place;
    await client.ask("enqueue", { first: 0, count: warmUp, clients: 8 });
    await analyze(place.url);
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

/**
 * As autovacuum does within a minute. Planned for empty tables, a single enqueue of graphile-worker
 * walks over all jobs that wait.
 */
async function analyze(url: string): Promise<void> {
  const sql = connect(url);
  try {
    await sql`analyze`;
  } finally {
    await sql.end();
  }
}
