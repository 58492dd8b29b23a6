import assert from "node:assert/strict";
import postgres from "postgres";
import { contractDatabase, eventually } from "../extensions/contract_database.ts";
import { readStack } from "../stack/client.ts";

Deno.test("after a kill -9 of the scheduler interrupted runs are marked and requests sent again", async () => {
  await using sql = await contractDatabase();
  let hits = 0;
  const killed = Promise.withResolvers<void>();
  await using target = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
    // The first is answered when its asker has long been killed.
    if (++hits === 1) await killed.promise;
    return new Response("fine");
  });
  const name = `restart ${crypto.randomUUID()}`;
  await sql`select cron.schedule(${name}, '1 second', 'select pg_sleep(20)')`;
  try {
    const [{ id }] = await sql<[{ id: string }]>`
      select net.http_get(
        ${`http://127.0.0.1:${target.addr.port}/`}, timeout_milliseconds => 60000
      ) as id`;
    const run = await eventually(async () => {
      const [row] = await sql`
        select runid from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${name} and d.status = 'running'`;
      return hits === 1 ? row : undefined;
    });

    const { parts } = await readStack();
    assert(parts.scheduler);
    Deno.kill(parts.scheduler.pid, "SIGKILL");

    const marked = await eventually(async () => {
      const [row] = await sql`
        select return_message from cron.job_run_details
        where runid = ${run.runid} and status = 'failed'`;
      return row;
    });
    assert.equal(marked.return_message, "server restarted");
    const answer = await eventually(async () => {
      const [row] = await sql`select status_code from net._http_response where id = ${id}`;
      return row;
    });
    assert.equal(answer.status_code, 200);
    assert.equal(hits, 2);
  } finally {
    killed.resolve();
    await sql`select cron.unschedule(${name})`;
  }
});

Deno.test("after its connections were cut the scheduler takes up its work again", async () => {
  const { admin_db_url } = await readStack();
  await using sql = await contractDatabase();
  const admin = postgres(admin_db_url, { max: 1 });
  const name = `cut ${crypto.randomUUID()}`;
  try {
    const cut = await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'local scheduler'`;
    assert(cut.count >= 2, "there was something to cut");
    await using target = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
      return new Response("fine");
    });
    await sql`select cron.schedule(${name}, '1 second', 'select 1')`;
    await eventually(async () => {
      const [run] = await sql`
        select from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = ${name} and d.status = 'succeeded'`;
      return run;
    });
    const [{ id }] = await sql<[{ id: string }]>`
      select net.http_get(${`http://127.0.0.1:${target.addr.port}/`}) as id`;
    await eventually(async () => (await sql`select from net._http_response where id = ${id}`)[0]);
  } finally {
    await sql`select cron.unschedule(jobid) from cron.job where jobname = ${name}`;
    await admin.end();
  }
});
