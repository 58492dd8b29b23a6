/**
 * The whole way of a job, from a user's request to the news on their screen, on a local stack of the
 * benchmark's own with fsync on. Results go to `bench/results/`.
 *
 *     deno task bench:http [--quick]
 *
 * While users enqueue, the types of their jobs are paused: what is measured is the enqueue, not a
 * worker on the same CPUs, which a hosted project has elsewhere. Then they are drained.
 */
import { parseArgs } from "node:util";
import { connect } from "../local/postgres/connect.ts";
import { startStack } from "../local/stack/client.ts";
import { resetStack } from "../local/stack/stop.ts";
import { Api } from "./http/api.ts";
import { closedLoop } from "./http/closed_loop.ts";
import { Crowd } from "./http/crowd.ts";
import { measureDrain } from "./http/drain.ts";
import { measureEnqueue, usersPerRound } from "./http/enqueue.ts";
import { measureFirstProgress } from "./http/first_progress.ts";
import { headlinesOf, httpChart, httpTable } from "./http/http_report.ts";
import { HttpResults } from "./http/http_results.ts";
import { measureProgress } from "./http/progress.ts";
import { cpuTimes, shareOfOthers } from "./lab/cpu.ts";
import { onInterrupt } from "./lab/interrupt.ts";
import { lockBenchmarks } from "./lab/lock.ts";
import { machineFacts } from "./lab/machine.ts";
import { writeResults } from "./report/write_results.ts";

const { values: { quick } } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
});
const rounds = quick ? 1 : 3;
const progressRounds = quick ? 1 : 3;
const [awakeGoes, asleepGoes] = quick ? [5, 1] : [20, 3];
/** Every connection of the data API to the database has its own plans to make. */
const warmUp = { clients: 64, count: 200 };
const watchers = 40;

const { lock } = await lockBenchmarks();
const name = "bench-http";
// What a benchmark that was killed has left.
await resetStack(name);
const starting = startStack({ name, fast: false });
onInterrupt(() => starting.then((stack) => stack.stop({ remove: true }), () => {}));

const stack = await starting;
const sql = connect(stack.admin_db_url);
const results = new HttpResults();
try {
  const api = new Api(stack);
  const users = rounds * usersPerRound + 2 * warmUp.count + watchers;
  const crowd = await Crowd.gather(sql, stack, users);
  const cpu = await cpuTimes(stack.parts.postgres!.pid);

  await pauseTypes();
  await closedLoop(warmUp, () => api.startSync(crowd.take()));
  await closedLoop(warmUp, () => api.createJob(crowd.take()));
  for (let round = 0; round < rounds; round++) {
    await pauseTypes();
    await measureEnqueue({ api, crowd, stack, results, round });
    results.add("http_jobs_per_second", await measureDrain(sql, api));
    console.error(`round ${round + 1} of ${rounds} done`);
  }
  for (let round = 0; round < progressRounds; round++) {
    await measureProgress({ api, crowd, stack, results });
  }
  await measureFirstProgress({ api, crowd, stack, sql, results, awakeGoes, asleepGoes });

  const others = cpu && shareOfOthers(cpu, (await cpuTimes(stack.parts.postgres!.pid))!);
  await report(others);
} finally {
  await sql.end();
  await stack.stop({ remove: true });
  lock.release();
}
Deno.exit();

async function pauseTypes(): Promise<void> {
  await sql`select public.pause_job_type(name) from unnest('{sync_youtube,self_test}'::text[]) as name`;
}

async function report(others: number | null): Promise<void> {
  const facts = await machineFacts(sql);
  const { samples, profiles } = results;
  const headlines = headlinesOf(results);
  const files = await writeResults(
    quick ? "http-quick" : "http",
    { facts, others, headlines, samples, profiles },
    httpChart(results, `Jobs over HTTP, ${facts.cpus} CPUs, everything on this machine`),
  );
  console.log(`\n${httpTable(results)}\n`);
  if (others !== null) console.log(`Others used ${(others * 100).toFixed(0)} % of the CPU work.`);
  console.log(`Files: ${files}`);
  console.log(`RESULT ${JSON.stringify(headlines)}`);
}
