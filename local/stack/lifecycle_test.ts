import { equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { type RunningStack, startStack, type StartStackOptions } from "./client.ts";
import { readPostmaster } from "../postgres/postmaster.ts";
import { exists } from "../postgres/install.ts";
import { repositoryRoot, stackDirectory } from "./paths.ts";
import { freeApiPort } from "./ports.ts";
import { isRunning, waitUntil } from "./process.ts";
import { resetStack } from "./stop.ts";

/** What a stack cannot do without; the other parts come and go the same way. */
const bare: StartStackOptions = {
  skipParts: ["gateway", "scheduler", "realtime", "providers", "mailbox"],
};

/** All processes of a stack, PostgreSQL itself included. */
async function processesOf(stack: RunningStack): Promise<number[]> {
  const server = await readPostmaster(`${stack.state_dir}/pgdata`);
  const parts = Object.values(stack.parts).map(({ pid }) => pid);
  return [stack.pid, ...parts, ...(server ? [server.pid] : [])];
}

async function survivors(pids: readonly number[], stack: RunningStack): Promise<number[]> {
  const alive = await Promise.all(pids.map((pid) => isRunning(pid, stack.name)));
  return pids.filter((_, index) => alive[index]);
}

async function assertAllEndWithin(ms: number, pids: number[], stack: RunningStack): Promise<void> {
  await waitUntil(async () => (await survivors(pids, stack)).length === 0, ms);
  equal((await survivors(pids, stack)).join(), "", "processes outlived the stack");
}

async function query(url: string, text: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql.unsafe<Record<string, unknown>[]>(text);
    return String(Object.values(rows[0] ?? {})[0]);
  } finally {
    await sql.end();
  }
}

/** All rights anybody has or will have by default: a start must not touch what migrations chose. */
const allRights = `
  select md5(string_agg(line, ',' order by line)) from (
    select 'class ' || oid || relacl::text as line from pg_class
    union all select 'function ' || oid || proacl::text from pg_proc
    union all select 'schema ' || nspname || nspacl::text from pg_namespace
    union all select 'default ' || defaclrole || defaclobjtype::text || defaclacl::text from pg_default_acl
  ) as rights`;

Deno.test("Ctrl-C ends every process within 3 s; a warm start finds the data again", async () => {
  const name = `life-${crypto.randomUUID().slice(0, 8)}`;
  const first = await startStack({ name, fast: false });
  const pids = await processesOf(first);
  try {
    ok(pids.length > 3);
    await query(first.db_url, "create table public.kept as select 42 as answer");
    const rights = await query(first.admin_db_url, allRights);

    Deno.kill(first.pid, "SIGINT");
    await assertAllEndWithin(3000, pids, first);
    equal(await exists(first.file), false);
    await first.stop();

    const begun = performance.now();
    const second = await startStack({ name, fast: false });
    console.log(`    warm start: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    try {
      equal(await query(second.db_url, "select answer from public.kept"), "42");
      equal(await query(second.admin_db_url, allRights), rights);
    } finally {
      await second.stop({ remove: true });
    }
    equal(await exists(second.state_dir), false);
  } finally {
    await first.stop({ remove: true });
  }
});

Deno.test("Ctrl-C in the middle of a start leaves no process", async () => {
  const name = `life-${crypto.randomUUID().slice(0, 8)}`;
  for (const afterMs of [200, 700, 1100]) {
    const start = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        join(repositoryRoot, "local", "tasks", "start.ts"),
        `--name=${name}`,
        `--port=${freeApiPort()}`,
        "--fast",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const begun = performance.now();
    start.kill("SIGINT");
    await start.status;
    ok(performance.now() - begun < 3000, `it took ${performance.now() - begun} ms to give up`);

    const stackDir = await stackDirectory(name);
    const server = await readPostmaster(join(stackDir, "pgdata"));
    ok(!server || !await isRunning(server.pid, stackDir), "PostgreSQL outlived the stack");
  }
  await resetStack(name);
});

Deno.test("after kill -9 of the supervisor its processes end, and the next start works", async () => {
  const stack = await startStack(bare);
  try {
    const pids = await processesOf(stack);
    Deno.kill(stack.pid, "SIGKILL");
    await assertAllEndWithin(5000, pids, stack);

    const again = await startStack({ ...bare, name: stack.name });
    equal(await query(again.db_url, "select 1"), "1");
    await again.stop();
  } finally {
    await stack.stop({ remove: true });
  }
});

Deno.test("after kill -9 of everything the next start recovers what was committed", async () => {
  const stack = await startStack({ ...bare, fast: false });
  try {
    await query(stack.db_url, "create table public.kept as select 42 as answer");
    for (const pid of await processesOf(stack)) Deno.kill(pid, "SIGKILL");
    ok(await exists(`${stack.state_dir}/pgdata/postmaster.pid`), "the crash left its pid file");

    const again = await startStack({ ...bare, name: stack.name, fast: false });
    equal(await query(again.db_url, "select answer from public.kept"), "42");
    await again.stop();
  } finally {
    await stack.stop({ remove: true });
  }
});

Deno.test("a killed PostgreSQL and a killed part are started again", async () => {
  const stack = await startStack(bare);
  try {
    const server = await readPostmaster(`${stack.state_dir}/pgdata`);
    Deno.kill(server!.pid, "SIGKILL");
    Deno.kill(stack.parts.data_api!.pid, "SIGKILL");
    const answers = async () =>
      await query(stack.db_url, "select 1").then(() => true, () => false) &&
      await fetch(`http://127.0.0.1:${stack.parts.data_api!.port}/_part/ready`)
        .then(async (response) => (await response.text()) === "ready", () => false);
    ok(await waitUntil(answers, 15_000, 100), "both parts serve again");
  } finally {
    await stack.stop({ remove: true });
  }
});

Deno.test("a second start says that the stack already runs", async () => {
  const stack = await startStack(bare);
  try {
    await rejects(startStack({ ...bare, name: stack.name }), ({ message }: Error) => {
      match(message, /already runs at http:\/\/127\.0\.0\.1:\d+ \(pid \d+\)/);
      return true;
    });
    equal(await query(stack.db_url, "select 1"), "1");
  } finally {
    await stack.stop({ remove: true });
  }
});

Deno.test("a taken port is named, with the process that has it", async () => {
  const port = freeApiPort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: port + 3 });
  try {
    await rejects(startStack({ ...bare, port }), ({ message }: Error) => {
      ok(message.includes(`Port ${port + 3} (mail) is already in use`), message);
      if (Deno.build.os === "linux") ok(message.includes(`pid ${Deno.pid}`), message);
      return true;
    });
  } finally {
    listener.close();
  }
});

Deno.test("two stacks run side by side and do not share data; reset takes only its own", async () => {
  const [one, two] = await Promise.all([startStack(bare), startStack(bare)]);
  try {
    await query(one.db_url, "create table public.mine as select 1 as x");
    equal(await query(two.db_url, "select to_regclass('public.mine')"), "null");
    await one.stop({ remove: true });
    equal(await exists(one.state_dir), false);
    equal(await query(two.db_url, "select 1"), "1");
  } finally {
    await Promise.all([one.stop({ remove: true }), two.stop({ remove: true })]);
  }
});
