import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { readRegistry, registryIn } from "../gateway/function_registry.ts";
import { readPostmaster } from "../postgres/postmaster.ts";
import { readStack, type RunningStack, startStack } from "./client.ts";
import { type PartName, partNames, type StackInfo } from "./info.ts";
import { repositoryRoot } from "./paths.ts";
import { processesNaming, waitUntil } from "./process.ts";

const demoProgram = join(repositoryRoot, "local", "demo", "main.ts");
/** Lines of the demo: before it first asks for anything, and when its jobs are being worked on. */
const atTheStart = "✔ Stack";
const inTheMiddle = " 50 of 250 items";
const demoWithinMs = 60_000;

/** Something of the stack that can be killed, and how its process is found. */
interface Victim {
  readonly name: string;
  readonly part: PartName;
  readonly pid: (stack: StackInfo) => Promise<number | undefined>;
  /** Killed when the demo prints this; {@link inTheMiddle} unless said. */
  readonly when?: string;
}

async function postmaster({ state_dir }: StackInfo): Promise<number | undefined> {
  return (await readPostmaster(join(state_dir, "pgdata")))?.pid;
}

const victims: Victim[] = [
  ...partNames.map((part) => ({
    name: part === "postgres" ? "the keeper of postgres" : part,
    part,
    pid: (stack: StackInfo) => Promise.resolve(stack.parts[part]?.pid),
  })),
  { name: "postgres itself", part: "postgres", pid: postmaster },
  { name: "postgres at the start", part: "postgres", pid: postmaster, when: atTheStart },
  {
    name: "gateway at the start",
    part: "gateway",
    pid: ({ parts }) => Promise.resolve(parts.gateway?.pid),
    when: atTheStart,
  },
  {
    name: "the worker's function",
    part: "gateway",
    pid: async ({ state_dir }) => (await readRegistry(registryIn(state_dir)))["job-processor"]?.pid,
  },
];

/** Runs the demo on a stack and does something when it prints a word; returns all it printed. */
async function demo(
  stack: RunningStack,
  when: string,
  meanwhile: () => Promise<void>,
): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", demoProgram],
    env: { STREAMVIBE_STACK: stack.file },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const giveUp = setTimeout(() => child.kill("SIGKILL"), demoWithinMs);
  const errors = new Response(child.stderr).text();
  let printed = "";
  let disturbed: Promise<void> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (printed.includes(when)) disturbed ??= meanwhile();
  }
  const { code } = await child.status;
  clearTimeout(giveUp);
  await disturbed;
  ok(disturbed, `the demo did not come to "${when}":\n${printed}\n${await errors}`);
  equal(code, 0, `the demo failed:\n${printed}\n${await errors}`);
  return printed;
}

/**
 * A killed worker costs a lease and the time until somebody looks: minutes, but for a test. And the
 * demo's user would soon have used up the month.
 */
async function hurry({ db_url }: StackInfo): Promise<void> {
  const sql = postgres(db_url, { max: 1, onnotice: () => {} });
  await sql`update public.subscription_tier set max_syncs = 1000`;
  await sql`update public.job_type set lease = '4 seconds'`;
  await sql`
    select cron.alter_job(jobid, schedule => '2 seconds') from cron.job
    where jobname = 'detect-stuck'`;
  await sql.end();
}

async function serves(part: PartName, { parts }: StackInfo): Promise<boolean> {
  const port = parts[part]?.port;
  return await fetch(`http://127.0.0.1:${port}/_part/ready`).then(async (response) => {
    await response.body?.cancel();
    return response.ok;
  }, () => false);
}

Deno.test({
  name: "any part killed with kill -9 in the middle of the demo: the demo ends well",
  ignore: Deno.build.os !== "linux",
  fn: async (test) => {
    const stack = await startStack({ name: `chaos-${crypto.randomUUID().slice(0, 8)}` });
    const shared = Deno.env.get("STREAMVIBE_STACK");
    Deno.env.set("STREAMVIBE_STACK", stack.file);
    try {
      await hurry(stack);
      for (const victim of victims) {
        await test.step(victim.name, async () => {
          const before = await readStack();
          const pid = await victim.pid(before);
          ok(pid, "it runs before it is killed");
          const begun = performance.now();
          const printed = await demo(stack, victim.when ?? inTheMiddle, async () => {
            Deno.kill(pid, "SIGKILL");
            await waitUntil(async () => (await victim.pid(await readStack())) !== pid, 20_000);
          });
          match(printed, /YouTube +250 videos on 5 pages: .*250/);
          match(printed, /Instagram +120 posts on 3 pages: .*120/);
          match(printed, /TikTok +250 videos on \d+ pages: .*250/);
          match(printed, /620 content items/);

          ok(
            await waitUntil(async () => await serves(victim.part, await readStack()), 20_000, 50),
            "it serves again",
          );
          const after = await readStack();
          notEqual(await victim.pid(after), pid, "another process took its place");
          for (const part of partNames) {
            if (part === victim.part) continue;
            equal(after.parts[part]?.pid, before.parts[part]?.pid, `${part} went on undisturbed`);
          }
          console.log(`    ${((performance.now() - begun) / 1000).toFixed(1)} s`);
        });
      }
      const begun = performance.now();
      await stack.stop();
      ok(performance.now() - begun < 3000, `the stop took ${performance.now() - begun} ms`);
      // Its parts, its database, its functions: all of them name its folder.
      deepEqual(await processesNaming(`${stack.state_dir}/`), [], "processes outlived the stack");
    } finally {
      await stack.stop({ remove: true });
      if (shared === undefined) Deno.env.delete("STREAMVIBE_STACK");
      else Deno.env.set("STREAMVIBE_STACK", shared);
    }
  },
});
