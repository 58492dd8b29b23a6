import assert from "node:assert/strict";
import { contractDatabase, contractServer, eventually } from "./contract_database.ts";

Deno.test("pg_cron: running", async (t) => {
  await using sql = await contractDatabase();
  const { cronKnowsSeconds, cronUsesWorkers } = await contractServer(sql);
  const every = cronKnowsSeconds ? "1 second" : "* * * * *";
  // At the start of a minute everything is due at once, and few run at a time.
  const patienceMs = cronKnowsSeconds ? 30_000 : 150_000;
  const prefix = `contract ${crypto.randomUUID()}`;
  const schedule = (what: string, command: string) =>
    sql`select cron.schedule(${`${prefix} ${what}`}, ${every}, ${command})`;
  const run = (what: string, status: string) =>
    eventually(async () => {
      const [found] = await sql`
        select d.* from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${`${prefix} ${what}`} and d.status = ${status}
        order by d.runid desc limit 1`;
      return found;
    }, patienceMs);

  try {
    // At once, so that a server that knows only minutes makes nobody wait for each of them.
    await schedule("tag", "create temporary table contract_run (x int)");
    await schedule("row", "select 1");
    await schedule("rows", "select generate_series(1, 3)");
    await schedule("failure", "select 1/0");
    await schedule("half", "select cron.schedule('contract half', '@daily', 'x'); select 1/0");
    await schedule("long", "select pg_sleep(30)");

    await t.step("a job runs as its owner and leaves a row with times, pid and tag", async () => {
      const { return_message, username, database, job_pid, ...times } = await run(
        "tag",
        "succeeded",
      );
      assert.deepEqual([return_message, username], ["CREATE TABLE", "postgres"]);
      assert.equal(database, (await sql`select current_database() as name`)[0]?.name);
      assert(job_pid > 0 && times.start_time <= times.end_time);
    });

    await t.step("a result set is counted", async () => {
      const messages = [
        (await run("row", "succeeded")).return_message,
        (await run("rows", "succeeded")).return_message,
      ];
      assert.deepEqual(messages, cronUsesWorkers ? ["SELECT 1", "SELECT 3"] : ["1 row", "3 rows"]);
    });

    await t.step("a failure keeps the server's text", async () => {
      const { return_message } = await run("failure", "failed");
      assert.match(
        return_message,
        cronUsesWorkers ? /^ERROR: division by zero/ : /^ERROR: {2}division by zero/,
      );
    });

    await t.step("several statements are one transaction", async () => {
      await run("half", "failed");
      assert.equal((await sql`select from cron.job where jobname = 'contract half'`).length, 0);
    });

    await t.step("one instance at a time", async () => {
      await run("long", "running");
      // A server that knows only minutes is due again after one; the run takes half of it.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const [running] = await sql`
        select count(*)::int as count from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${`${prefix} long`}
          and d.status in ('starting', 'connecting', 'sending', 'running')`;
      assert.equal(running?.count, 1);
    });

    await t.step("a paused job is cancelled in mid-run and starts no more", async () => {
      const { runid } = await run("long", "running");
      await sql`
        select cron.alter_job(jobid, active => false) from cron.job
        where jobname = ${`${prefix} long`}`;
      // The old one says so no sooner than the job's process has ended.
      const cancelled = await eventually(async () => {
        const [row] = await sql`
          select return_message from cron.job_run_details
          where runid = ${runid} and status = 'failed'`;
        return row;
      }, cronKnowsSeconds ? 30_000 : 40_000);
      assert.equal(cancelled.return_message, "job canceled");
    });

    await t.step("the history outlives its job, and its owner may delete from it", async () => {
      const { jobid } = await run("row", "succeeded");
      await sql`select cron.unschedule(${`${prefix} row`})`;
      const kept = await sql`select from cron.job_run_details where jobid = ${jobid}`;
      assert(kept.length > 0);
      const { count } = await sql`
        delete from cron.job_run_details where jobid = ${jobid} and end_time is not null`;
      assert(count > 0);
    });
  } finally {
    await sql`delete from cron.job_run_details
      where jobid in (select jobid from cron.job where starts_with(jobname, ${prefix}))`;
    await sql`select cron.unschedule(jobid) from cron.job where starts_with(jobname, ${prefix})`;
  }
});
