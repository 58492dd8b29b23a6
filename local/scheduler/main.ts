/** Plays pg_cron's scheduler and pg_net's worker for the stand-in extensions. */
import postgres from "postgres";
import { oneAtATime } from "../one_at_a_time.ts";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { Cron } from "./cron.ts";
import { loadJobs, markInterruptedRuns } from "./jobs.ts";
import { jobRunner } from "./job_run.ts";
import { NetWorker } from "./net_worker.ts";

const env = partEnv();
const connect = (max: number) =>
  postgres(env.adminDbUrl, {
    max,
    // Prepared statements would go stale when an extension is dropped and created again.
    prepare: false,
    fetch_types: false,
    connection: { application_name: "local scheduler" },
    onnotice: () => {},
  });
const sql = connect(4);
const netSql = connect(1);

const cron = new Cron(jobRunner(sql, [env.dbUrl, env.adminDbUrl]));
const net = new NetWorker(netSql);

// Of two looks at once the older might end last, and a paused job would go on.
const reloadJobs = oneAtATime(async () => {
  try {
    cron.setJobs(await loadJobs(sql));
    cron.tick();
  } catch (error) {
    log("warn", "cron.job could not be read", { error: String(error) });
  }
});

// The second callback runs at every (re)connect: what was missed meanwhile is caught up with.
await markInterruptedRuns(sql);
await sql.listen("pg_cron_jobs_changed", reloadJobs, reloadJobs);
await sql.listen("pg_net_wake", () => net.wake(), () => net.wake());
cron.start();
const netDone = net.run();

const server = Deno.serve(
  { hostname: "127.0.0.1", port: env.port, onListen: () => log("info", "scheduler is ready") },
  ({ url }) => new Response(null, { status: url.endsWith("/_part/ready") ? 200 : 404 }),
);

exitWithSupervisor(async () => {
  cron.stop();
  net.stop();
  await Promise.race([netDone, new Promise((resolve) => setTimeout(resolve, 1000))]);
  await server.shutdown();
  await Promise.all([sql.end({ timeout: 1 }), netSql.end({ timeout: 1 })]);
});
