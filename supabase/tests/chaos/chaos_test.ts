/**
 * Everything at once: two thousand jobs on a stack of their own, while processors are killed, ended,
 * frozen past their leases and cut off, PostgreSQL is killed and restarted, and the doorbell is dead.
 * A witness in the database writes down every change; the rules are then read off its history.
 *
 * CHAOS_JOBS, CHAOS_SECONDS, CHAOS_WORKERS and CHAOS_SEED make it longer, wilder, or the same again.
 */
import assert from "node:assert/strict";
import { startStack } from "../../../local/stack/client.ts";
import { Adversary } from "./adversary.ts";
import { Control } from "./control.ts";
import { figures, findings } from "./findings.ts";
import { Processors } from "./processes.ts";
import { seeded, workload } from "./workload.ts";

const setting = (name: string, usual: number) => Number(Deno.env.get(name) ?? usual);

Deno.test("whatever is killed, no job is lost, none ends twice, and nobody writes after losing a lease", async () => {
  const jobs = setting("CHAOS_JOBS", 2_000);
  const seconds = setting("CHAOS_SECONDS", 45);
  const workers = setting("CHAOS_WORKERS", 4);
  const seed = setting("CHAOS_SEED", Math.floor(Math.random() * 1e9));
  const random = seeded(seed);
  console.log(`chaos: seed ${seed}, ${jobs} jobs, ${workers} processors, ${seconds} s`);

  const stack = await startStack({ name: `chaos-${Deno.pid}` });
  const control = new Control(stack.db_url);
  const processors = new Processors(stack.db_url, random);
  try {
    await control.prepare();
    processors.start(workers);
    const adversary = new Adversary(stack, control, processors, random);
    const [misdeeds, accepted] = await Promise.all([
      adversary.rage(seconds * 1_000),
      control.enqueue(workload(jobs, random), seconds * 900, random),
    ]);
    const calmAt = Date.now();
    await control.whenAllEnded(setting("CHAOS_PATIENCE", 120) * 1_000);
    const calmSeconds = (Date.now() - calmAt) / 1_000;
    await control.settle();

    console.log("chaos:", {
      ...await figures(control.sql),
      accepted: accepted.length,
      outcomes: processors.outcomes,
      misdeeds,
      seconds_until_quiet: calmSeconds,
    });
    const broken = [
      ...await findings(control.sql),
      ...await control.unexpected(accepted),
      ...control.refusals.map((text) => `NOT: an owner may always cancel and retry: ${text}`),
      ...processors.crashes.map((text) => `NOT: no processor falls by itself: ${text}`),
    ];
    assert.ok(broken.length === 0, `seed ${seed}\n${broken.join("\n")}`);
  } finally {
    await processors.close();
    await control.close();
    await stack.stop({ remove: true });
  }
});
