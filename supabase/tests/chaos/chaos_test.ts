/**
 * Everything at once: two thousand jobs on a stack of their own, while processors are killed, ended,
 * frozen past their leases and cut off, PostgreSQL is killed and restarted, and the doorbell is dead.
 * A witness in the database writes down every change; the rules are then read off its history.
 *
 * CHAOS_JOBS, CHAOS_SECONDS, CHAOS_WORKERS and CHAOS_SEED make it longer, wilder, or the same again.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startStack } from "../../../local/stack/client.ts";
import { Adversary } from "./adversary.ts";
import { Control } from "./control.ts";
import { figures, findings } from "./findings.ts";
import { Owners } from "./owners.ts";
import { Processors } from "./processes.ts";
import { seeded, workload } from "./workload.ts";

/**
 * Errors by design: a caller came too late or waited for a session that hung, the key was taken away, a
 * vacuum made way.
 */
const expected =
  /no longer held by this worker|Only a job that has failed|Vault lacks|terminating connection|An equal job|statement timeout|canceling autovacuum/;

/** A deadlock or a broken constraint is retried by a worker, and seen only here. */
async function errorsLogged(stateDir: string): Promise<string[]> {
  const log = await Deno.readTextFile(join(stateDir, "logs", "postgres.log"));
  return log.split("\n").filter((line) => /(ERROR|PANIC): /.test(line) && !expected.test(line))
    .map((line) => `NOT: the database meets no error: ${line}`);
}

const setting = (name: string, usual: number) => Number(Deno.env.get(name) ?? usual);

Deno.test("whatever is killed, no job is lost, none ends twice, and nobody writes after losing a lease", async () => {
  const jobs = setting("CHAOS_JOBS", 2_000);
  const seconds = setting("CHAOS_SECONDS", 40);
  const workers = setting("CHAOS_WORKERS", 5);
  const seed = setting("CHAOS_SEED", Math.floor(Math.random() * 1e9));
  const patience = setting("CHAOS_PATIENCE", 120) * 1_000;
  const random = seeded(seed);
  console.log(`chaos: seed ${seed}, ${jobs} jobs, ${workers} processors, ${seconds} s`);

  const stack = await startStack();
  const control = new Control(stack.db_url);
  const processors = new Processors(stack.db_url, random);
  try {
    await control.prepare();
    processors.start(workers);
    const owners = new Owners(control, random);
    const adversary = new Adversary(stack, control, processors, random);
    const [misdeeds] = await Promise.all([
      adversary.rage(seconds * 1_000),
      owners.enqueue(workload(jobs, random), seconds * 900),
      owners.enqueueInBulk(seconds * 900),
      owners.supersede(seconds * 900),
    ]);
    const calmAt = Date.now();
    await control.whenAllEnded(patience);
    const seconds_until_quiet = (Date.now() - calmAt) / 1_000;
    const retried_by_the_operator = await control.retryFailed();
    await control.whenAllEnded(patience);
    await control.settle();

    const counted = await figures(control.sql);
    console.log("chaos:", {
      ...counted,
      accepted: owners.accepted.length,
      outcomes: processors.outcomes,
      misdeeds,
      retried_by_the_operator,
      seconds_until_quiet,
    });
    const broken = [
      ...await findings(control.sql),
      ...await owners.unexpected(),
      ...owners.refusals.map((text) => `NOT: what an owner may do is done: ${text}`),
      ...await errorsLogged(stack.state_dir),
      ...processors.crashes.map((text) => `NOT: no processor falls by itself: ${text}`),
    ];
    assert.ok(counted.ends_of_unwritten_starts! > 0, "jobs end whose start was not written");
    assert.ok(broken.length === 0, `seed ${seed}\n${broken.join("\n")}`);
  } finally {
    await processors.close();
    await control.close();
    await stack.stop({ remove: true });
  }
});
