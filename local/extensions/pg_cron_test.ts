import assert from "node:assert/strict";
import { contractDatabase, eventually, failure, inVain } from "./contract_database.ts";

Deno.test("pg_cron: scheduling", async (t) => {
  await using sql = await contractDatabase();

  await t.step(
    "a named job is upserted by name and keeps its id and its pause",
    () =>
      inVain(sql, async (sql) => {
        const schedule = (schedule: string, command: string) =>
          sql<[{ id: string }]>`select cron.schedule('contract', ${schedule}, ${command}) as id`;
        const [{ id }] = await schedule("0 1 * * *", "select 1");
        await sql`select cron.alter_job(${id}, active => false)`;
        const [again] = await schedule("30 seconds", "select 2");
        assert.equal(again.id, id);
        const [job] = await sql`select * from cron.job where jobid = ${id}`;
        assert.equal(job?.schedule, "30 seconds");
        assert.equal(job?.command, "select 2");
        assert.equal(job?.username, "postgres");
        assert.equal(job?.active, false);
      }),
  );

  await t.step(
    "unnamed jobs are new each time; unschedule() takes an id or a name",
    () =>
      inVain(sql, async (sql) => {
        const unnamed = () =>
          sql<[{ id: string }]>`select cron.schedule('@daily', 'select 1') as id`;
        const [first] = await unnamed();
        const [second] = await unnamed();
        assert.notEqual(first.id, second.id);
        await sql`select cron.schedule('contract', '@daily', 'select 1')`;
        const [gone] = await sql`
        select cron.unschedule(${first.id}::bigint) as by_id, cron.unschedule('contract') as by_name`;
        assert.deepEqual({ ...gone }, { by_id: true, by_name: true });
      }),
  );

  await t.step(
    "what is absent or empty is an error with the known text",
    () =>
      inVain(sql, async (sql) => {
        const message = async (query: string) =>
          (await failure(sql, (sql) => sql.unsafe(query))).message;
        assert.equal(
          await message("select cron.unschedule('contract none')"),
          "could not find valid entry for job 'contract none'",
        );
        assert.equal(
          await message("select cron.unschedule(-1)"),
          "could not find valid entry for job -1",
        );
        assert.equal(
          await message("select cron.alter_job(-1, active => true)"),
          "Job -1 does not exist or you don't own it",
        );
        assert.equal(await message("select cron.alter_job(-1)"), "no updates specified");
        assert.equal(
          await message("select cron.schedule(null, '@daily', 'select 1')"),
          "job_name can not be NULL",
        );
        assert.equal(
          await message("select cron.schedule('contract', null, 'select 1')"),
          "schedule can not be NULL",
        );
      }),
  );

  const valid = [
    "* * * * *",
    "*/5 0-6/2 1,15 jan-MAR mon,7",
    "0 0 $ * *",
    "@hourly",
    "10 seconds",
    "1 second",
    " 59  SECONDS ",
    // Read as five fields, the rest ignored: every ten minutes.
    "*/10 * * * * *",
    "*/10 * * * * foo",
  ];
  const invalid = [
    "",
    "* * * *",
    "1/20 * * * *",
    "*/60 * * * *",
    "60 * * * *",
    "0 30 9 * * 1-5",
    "1, 2 * * * *",
    "0 0 * * monday",
    "0 seconds",
    "60 seconds",
    "-1 seconds",
    "10 seconds * * * *",
    "2 minutes",
    "@Hourly",
    "@every",
  ];
  await t.step(
    "schedules are accepted and refused as the real parser does",
    () =>
      inVain(sql, async (sql) => {
        for (const schedule of valid) {
          const [row] = await sql`select cron.schedule(${schedule}, 'select 1') > 0 as accepted`;
          assert(row?.accepted, schedule);
        }
        for (const schedule of invalid) {
          const error = await failure(
            sql,
            (sql) => sql`select cron.schedule(${schedule}, 'select 1')`,
          );
          assert.equal(error.message, `invalid schedule: ${schedule}`);
          assert.equal(error.code, "22023");
          assert.match(error.hint ?? "", /\[1-59\] seconds/);
        }
      }),
  );

  await t.step(
    "postgres reads cron.job and nobody writes it; another role sees only its own",
    () =>
      inVain(sql, async (sql) => {
        await sql`select cron.schedule('contract', '@daily', 'select 1')`;
        const denied = await failure(sql, (sql) => sql`delete from cron.job where true`);
        assert.equal(denied.code, "42501");
        await sql`create role contract_stranger`;
        await sql`grant contract_stranger to postgres`;
        await sql`grant usage on schema cron to contract_stranger`;
        await sql`set local role contract_stranger`;
        await sql`select cron.schedule('contract', '@daily', 'select 2')`;
        const seen = await sql`select username, command from cron.job`;
        assert.deepEqual(seen.map((job) => ({ ...job })), [
          { username: "contract_stranger", command: "select 2" },
        ]);
        const error = await failure(sql, (sql) => sql`select cron.alter_job(1, active => true)`);
        assert.equal(error.code, "42501");
        await sql`reset role`;
      }),
  );

  await t.step("API roles have no way into the schema", async () => {
    const [row] = await sql`
      select bool_or(has_schema_privilege(role, 'cron', 'usage')) as any_usage
      from unnest(array['anon', 'authenticated', 'service_role']) role`;
    assert.equal(row?.any_usage, false);
  });
});

Deno.test("pg_cron: running", async (t) => {
  await using sql = await contractDatabase();
  const name = `contract ${crypto.randomUUID()}`;
  const schedule = (command: string, every = "1 second") =>
    sql`select cron.schedule(${name}, ${every}, ${command})`;
  const lastRun = (status: string) =>
    eventually(async () => {
      const [run] = await sql`
        select d.* from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${name} and d.status = ${status} and d.command = j.command
        order by d.runid desc limit 1`;
      return run;
    });

  try {
    await t.step("a job runs as its owner and leaves a row with times, pid and tag", async () => {
      await schedule("create temporary table contract_run (x int)");
      const run = await lastRun("succeeded");
      assert.equal(run.return_message, "CREATE TABLE");
      assert.equal(run.username, "postgres");
      assert(run.job_pid > 0 && run.start_time <= run.end_time);
    });

    await t.step("a result set is counted", async () => {
      await schedule("select 1");
      assert.equal((await lastRun("succeeded")).return_message, "1 row");
      await schedule("select generate_series(1, 3)");
      assert.equal((await lastRun("succeeded")).return_message, "3 rows");
    });

    await t.step("a failure keeps the server's text", async () => {
      await schedule("select 1/0");
      assert.match((await lastRun("failed")).return_message, /^ERROR: {2}division by zero/);
    });

    await t.step("several statements are one transaction", async () => {
      const [before] = await sql`select count(*) as jobs from cron.job`;
      await schedule("select cron.schedule('contract half', '@daily', 'x'); select 1/0");
      await lastRun("failed");
      const [after] = await sql`select count(*) as jobs from cron.job`;
      assert.equal(after?.jobs, before?.jobs);
    });

    await t.step("one instance at a time", async () => {
      await schedule("select pg_sleep(2.5)");
      await lastRun("running");
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const [running] = await sql`
        select count(*)::int as count from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${name} and d.status in ('starting', 'connecting', 'sending', 'running')`;
      assert.equal(running?.count, 1);
    });

    await t.step("a paused job is cancelled in mid-run and starts no more", async () => {
      const run = await lastRun("running");
      await sql`select cron.alter_job(jobid, active => false) from cron.job where jobname = ${name}`;
      const cancelled = await eventually(async () => {
        const [row] = await sql`
          select return_message from cron.job_run_details
          where runid = ${run.runid} and status = 'failed'`;
        return row;
      });
      assert.equal(cancelled.return_message, "job canceled");
    });
  } finally {
    await sql`delete from cron.job_run_details
      where jobid in (select jobid from cron.job where jobname = ${name})`;
    await sql`select cron.unschedule(jobid) from cron.job where jobname = ${name}`;
  }
});
