import assert from "node:assert/strict";
import { contractDatabase, contractServer, failure, inVain, unless } from "./contract_database.ts";

Deno.test("pg_cron: scheduling", async (t) => {
  await using sql = await contractDatabase();
  const { isSuperuser, cronKnowsSeconds } = await contractServer(sql);
  const anyInterval = cronKnowsSeconds ? "30 seconds" : "*/3 * * * *";

  await t.step(
    "a named job is upserted by name and keeps its id and its pause",
    () =>
      inVain(sql, async (sql) => {
        const schedule = (schedule: string, command: string) =>
          sql<[{ id: string }]>`select cron.schedule('contract', ${schedule}, ${command}) as id`;
        const [{ id }] = await schedule("0 1 * * *", "select 1");
        await sql`select cron.alter_job(${id}, active => false)`;
        const [again] = await schedule(anyInterval, "select 2");
        assert.equal(again.id, id);
        const [job] = await sql`select * from cron.job where jobid = ${id}`;
        assert.equal(job?.schedule, anyInterval);
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

  await t.step(
    "alter_job() changes what is given and nothing else",
    () =>
      inVain(sql, async (sql) => {
        const [{ id }] = await sql<[{ id: string }]>`
          select cron.schedule('contract', '0 1 * * *', 'select 1') as id`;
        const job = async () => {
          const [row] = await sql`
            select schedule, command, active, jobname from cron.job where jobid = ${id}`;
          return { ...row };
        };
        await sql`select cron.alter_job(${id}, schedule => '0 2 * * *')`;
        const first = {
          schedule: "0 2 * * *",
          command: "select 1",
          active: true,
          jobname: "contract",
        };
        assert.deepEqual(await job(), first);
        await sql`select cron.alter_job(${id}, command => 'select 2', active => false)`;
        assert.deepEqual(await job(), { ...first, command: "select 2", active: false });
        const refused = await failure(sql, (sql) =>
          sql`select cron.alter_job(${id}, schedule => 'never')`);
        assert.equal(refused.code, "22023");
        assert.deepEqual(await job(), { ...first, command: "select 2", active: false });
      }),
  );

  const valid = [
    "* * * * *",
    "*/5 0-6/2 1,15 jan-MAR mon,7",
    "@hourly",
    ...(cronKnowsSeconds ? ["0 0 $ * *", "10 seconds", "1 second", " 59  SECONDS "] : []),
    // Read as five fields, the rest ignored: every ten minutes.
    "*/10 * * * * *",
    "*/10 * * * * foo",
  ];
  const invalid = [
    "",
    "* * * *",
    "1/20 * * * *",
    ...(cronKnowsSeconds ? ["*/60 * * * *"] : []),
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
          if (cronKnowsSeconds) assert.match(error.hint ?? "", /\[1-59\] seconds/);
        }
      }),
  );

  await unless(t, isSuperuser && "postgres is a superuser of this server")(
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
