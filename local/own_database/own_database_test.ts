import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { runCollections } from "../postman/run.ts";
import { type RunningStack, startStack } from "../stack/client.ts";
import { repositoryRoot } from "../stack/paths.ts";
import { resetStack } from "../stack/stop.ts";
import { waitUntil } from "../stack/process.ts";
import { findInstalledServer, TestServer } from "./test_server.ts";

const installed = await findInstalledServer();
const cronSettings = installed?.hasCron
  ? ["shared_preload_libraries = 'pg_cron'", "cron.use_background_workers = on"]
  : [];
const settings = ["wal_level = logical", "max_worker_processes = 30", ...cronSettings];

/** Without a server on the machine there is nothing to test with; the output names what is left out. */
function testOwn(name: string, work: () => Promise<void>): void {
  const missing =
    "NOT CHECKED, as no PostgreSQL server is installed (Debian: postgresql-15-cron): ";
  Deno.test({ name: installed ? name : missing + name, ignore: !installed, fn: work });
}

/** All that a reset must leave as it was. */
const everything = `
  select string_agg(line, E'\\n' order by line) as text from (
    select 'role ' || rolname || coalesce(rolconfig::text, '') as line from pg_roles
    union all select 'schema ' || nspname || coalesce(nspacl::text, '') from pg_namespace
      where nspname !~ '^pg_(toast_)?temp'
    union all select 'class ' || oid::regclass from pg_class
      where relnamespace::regnamespace::text !~ '^pg_'
    union all select 'function ' || oid::regprocedure from pg_proc where oid > 16383
    union all select 'extension ' || extname from pg_extension
    union all select 'event trigger ' || evtname from pg_event_trigger
    union all select 'publication ' || pubname from pg_publication
    union all select 'setting ' || setrole::regrole || setconfig::text from pg_db_role_setting
    union all select 'default ' || defaclrole::regrole || defaclacl::text from pg_default_acl
    union all select 'slot ' || slot_name from pg_replication_slots
  ) as found`;

async function deno(args: string[], env: Record<string, string>): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: repositoryRoot,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stdout) + text.decode(stderr));
}

async function firstTick(stack: RunningStack): Promise<void> {
  const sql = postgres(stack.db_url, { max: 1 });
  const ticked = async () =>
    (await sql`select from private.job_tick where ticked_at is not null`).length > 0;
  // pg_cron before 1.5 knows minutes only.
  assert(await waitUntil(ticked, 75_000, 500), "no tick within 75 s");
  await sql.end();
}

async function demoAndCollections(stack: RunningStack): Promise<void> {
  await deno(["run", "-A", join("local", "demo", "main.ts")], { STREAMVIBE_STACK: stack.file });
  await firstTick(stack);
  assert.equal((await runCollections(stack)).failed, 0);
}

testOwn("the whole system runs on a PostgreSQL of one's own, and leaves it as it was", async () => {
  await using server = await TestServer.start(installed!, settings);
  await server.query(
    "create role keeper; create schema kept; grant usage on schema kept to keeper; alter database postgres set jit = on",
  );
  const before = await server.query(everything);
  const name = `own-${crypto.randomUUID().slice(0, 8)}`;
  const start = () => startStack({ name, dbUrl: server.url(), fast: false });

  let stack = await start();
  try {
    const real = stack.real.join();
    assert.match(real, /your PostgreSQL 1\d/);
    assert.equal(/its pg_cron/.test(real), installed!.hasCron);
    assert.equal(stack.stand_ins.includes("pg_cron"), !installed!.hasCron);
    assert.equal(stack.parts.postgres, undefined);

    await Promise.all([
      // Most of its time it waits for the next minute.
      deno(["test", "-A", "--no-check", "local/extensions"], { CONTRACT_DB_URL: stack.db_url }),
      demoAndCollections(stack),
    ]);

    await stack.stop();
    const jobs = async () =>
      Number((await server.query("select count(*) as n from public.job_queue"))[0]?.n);
    const kept = await jobs();
    assert(kept > 0, "stop leaves the rows");
    stack = await start();
    assert((await jobs()) >= kept, "and the next start finds them");

    await server.query("create table public.not_ours (id int)");
    assert.equal(await resetStack(name), false, "nothing is dropped without a word");
    assert.equal(await resetStack(name, { dropFrom: "another" }), false, "nor with a wrong one");
    assert((await jobs()) >= kept);
    assert.equal(await resetStack(name, { dropFrom: "postgres" }), true);
    await server.query("drop table public.not_ours");
    assert.deepEqual((await server.query(everything))[0]?.text, before[0]?.text);
  } finally {
    await stack.stop({ remove: true });
  }
});

testOwn("what stands in the way is said in one sentence, and nothing is changed", async () => {
  await using server = await TestServer.start(installed!, settings);
  await server.query("create role app login password 'geheim'");
  for (const name of ["busy", "other"]) await server.query(`create database ${name}`);
  await server.query("create table public.orders (id int)", "busy");
  const before = await server.query(everything);

  const said = async (dbUrl: string) => {
    const name = `own-${crypto.randomUUID().slice(0, 8)}`;
    const message = await startStack({ name, dbUrl }).then(
      async (stack) => {
        await stack.stop({ remove: true });
        return "it started";
      },
      (error: Error) => error.message.split("\n").slice(1).join("\n"),
    );
    await resetStack(name);
    return message;
  };
  const closed = new URL(server.url());
  closed.port = "9";
  assert.match(await said("nonsense"), /^--db-url takes the URL of a database[^\n]+\.$/);
  assert.match(await said(closed.href), /nothing listens there/);
  assert.match(await said(server.url("none")), /there is no database "none"/);
  assert.match(await said(server.url("postgres", "postgres", "wrong")), /refuses the password/);
  assert.match(await said(server.url("postgres", "app")), /app is no superuser/);
  assert.match(await said(server.url("busy")), /"busy" is not empty \(public\.orders\)/);
  if (installed!.hasCron) {
    assert.match(await said(server.url("other")), /pg_cron works in one database only/);
    await server.configure(settings.filter((line) => !line.startsWith("shared_preload")));
    assert.match(await said(server.url("other")), /pg_cron but does not load it/);
  }
  assert.deepEqual(await server.query(everything), before);
});

testOwn(
  "without logical log everything but Realtime runs, and the banner says what to do",
  async () => {
    await using server = await TestServer.start(installed!, ["wal_level = replica"]);
    await server.query("create database mine");
    const stack = await startStack({
      dbUrl: server.url("mine"),
      standIns: ["pg_cron"],
      skipParts: ["mailbox", "providers"],
    });
    try {
      assert.equal(stack.parts.realtime, undefined);
      assert.match(
        stack.left_out.realtime ?? "",
        /wal_level = replica.*alter system set wal_level/,
      );
      assert(stack.stand_ins.includes("pg_cron"));
      await firstTick(stack);
      await assert.rejects(
        startStack({ dbUrl: server.url("mine") }),
        /belongs to the stack/,
        "two stacks do not share a database",
      );
    } finally {
      await stack.stop({ remove: true });
    }
  },
);
