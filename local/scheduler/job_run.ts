import postgres from "postgres";
import { log } from "../part.ts";
import type { CronJob, RunJob } from "./cron.ts";
import { errorMessage, returnMessage, type StatementResult } from "./job_feedback.ts";

/** As `cron.task_start_timeout`. */
const connectTimeoutSeconds = 10;

interface RunUpdate {
  status: string;
  return_message?: string;
  job_pid?: number;
  start_time?: Date;
  end_time?: Date;
}

/**
 * Runs a job as its user in a connection of its own and keeps its row in cron.job_run_details.
 *
 * @param admin Connection pool of a superuser, for the history.
 * @param urls Where jobs connect: by the URL of the job's user, if it is there, else by the first with the
 * user's name in it.
 */
export function jobRunner(admin: postgres.Sql, urls: readonly [string, ...string[]]): RunJob {
  return async (job, cancelled) => {
    try {
      const [row] = await admin<[{ runid: string }]>`
        insert into cron.job_run_details (jobid, database, username, command, status)
        values (${job.jobid}, ${job.database}, ${job.username}, ${job.command}, 'starting')
        returning runid`;
      const update = async (change: RunUpdate) => {
        await admin`update cron.job_run_details set ${admin({ ...change })}
          where runid = ${row.runid}`;
      };
      await runJob(job, cancelled, connectionFor(job, urls), update);
    } catch (error) {
      log("error", "cron job history could not be written", {
        jobid: job.jobid,
        error: String(error),
      });
    }
  };
}

async function runJob(
  job: CronJob,
  cancelled: AbortSignal,
  connection: postgres.Sql,
  update: (change: RunUpdate) => Promise<void>,
): Promise<void> {
  let start_time = new Date();
  const fail = async (return_message: string) => {
    log("warn", "cron job failed", { jobid: job.jobid, return_message: return_message.trim() });
    await update({ status: "failed", return_message, start_time, end_time: new Date() });
  };
  const cancelledFirst = new Promise<never>((_, reject) => {
    cancelled.addEventListener("abort", () => reject(cancelled.reason), { once: true });
  });
  // A job that is cancelled before anyone races against this promise is no unhandled rejection.
  cancelledFirst.catch(() => {});
  try {
    await update({ status: "connecting" });
    const connected = connection<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const [{ pid }] = await Promise.race([connected, cancelledFirst]);
    await update({ status: "sending", job_pid: pid });
    start_time = new Date();
    await update({ status: "running", start_time });
    const done = connection.unsafe(job.command).simple();
    const results = statements(await Promise.race([done, cancelledFirst]));
    const last = results.at(-1) ?? { command: null, count: null };
    await update({
      status: "succeeded",
      return_message: returnMessage(last),
      end_time: new Date(),
    });
  } catch (error) {
    if (cancelled.aborted) await fail("job canceled");
    else if (isConnectionFailure(error)) await fail("connection failed");
    else await fail(errorMessage(error, job.command));
  } finally {
    await connection.end({ timeout: cancelled.aborted ? 0 : 1 });
  }
}

function connectionFor(job: CronJob, urls: readonly [string, ...string[]]): postgres.Sql {
  const user = encodeURIComponent(job.username);
  const url = new URL(urls.find((one) => new URL(one).username === user) ?? urls[0]);
  url.username = user;
  url.pathname = `/${encodeURIComponent(job.database)}`;
  return postgres(url.href, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: connectTimeoutSeconds,
    connection: { application_name: "pg_cron" },
    onnotice: () => {},
  });
}

/** Several statements come as a list of results, one comes bare. */
function statements(results: unknown): StatementResult[] {
  if (!Array.isArray(results)) return [];
  return "command" in results
    ? [results as unknown as StatementResult]
    : results as StatementResult[];
}

/** Class 28 is authentication, 3D000 an unknown database, 53300 too many connections. */
function isConnectionFailure(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(CONNECT|ECONN|ENOTFOUND|28|3D000|53300|57P03)/.test(code) &&
    code !== "CONNECTION_CLOSED";
}
