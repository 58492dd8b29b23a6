/**
 * `deno task test`: everything that must hold before a change lands, on a stack of its own.
 * `deno task test <step> [filter]` runs one step, for example `deno task test pgtap async/claim`.
 */
import { runCollections } from "../postman/run.ts";
import { type RunningStack, startStack } from "../stack/client.ts";
import { checkAdvisors, checkMigrationList } from "./advisors.ts";
import { checkCommand, runDenoTests } from "./commands.ts";
import { checkLeaks } from "./leaks.ts";
import { check, type Outcome } from "./outcome.ts";
import { runPgTap } from "./pgtap.ts";
import { checkSnapshot } from "./snapshot.ts";
import { checkTypes } from "./types.ts";

type Step = {
  name: string;
  run: (stack: () => Promise<RunningStack>, filter: string) => Promise<Outcome>;
};

const codeFolders = ["local", "supabase/functions", "supabase/tests", "docs", "bench"];

const steps: Step[] = [
  { name: "format", run: () => checkCommand("fmt", "--check") },
  { name: "lint", run: () => checkCommand("lint") },
  { name: "check", run: () => checkCommand("check", ...codeFolders) },
  { name: "snapshot", run: async (stack) => checkSnapshot((await stack()).db_url) },
  { name: "types", run: async (stack) => checkTypes((await stack()).db_url) },
  { name: "migrations", run: async (stack) => checkMigrationList((await stack()).db_url) },
  { name: "pgtap", run: async (stack, filter) => runPgTap((await stack()).db_url, filter) },
  {
    name: "deno",
    run: async (stack, filter) =>
      runDenoTests(filter ? [filter] : codeFolders, { STREAMVIBE_STACK: (await stack()).file }),
  },
  {
    name: "collections",
    run: async (stack, filter) => {
      const { passed, failed } = await runCollections(await stack(), filter);
      if (passed + failed === 0) return check(false, `No collection has "${filter}" in its name.`);
      return {
        passed,
        failures: Array.from({ length: failed }, () => "a Postman assertion, above"),
      };
    },
  },
  // After all that could have left something behind.
  { name: "leaks", run: async (stack) => checkLeaks(await stack()) },
  { name: "advisors", run: async (stack) => checkAdvisors((await stack()).db_url) },
];

async function runStep(
  step: Step,
  stack: () => Promise<RunningStack>,
  filter: string,
): Promise<Outcome> {
  const started = performance.now();
  const outcome = await step.run(stack, filter).catch((error: unknown) =>
    check(false, `${step.name} could not run: ${error instanceof Error ? error.stack : error}`)
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${outcome.failures.length === 0 ? "ok  " : "FAIL"} ${step.name.padEnd(12)} ` +
      `${outcome.passed} passed, ${outcome.failures.length} failed (${seconds} s)`,
  );
  for (const failure of outcome.failures) console.log(`    - ${failure}`);
  return outcome;
}

/** A stack that starts when a step first asks for it and is shared by all later steps. */
function lazyStack() {
  let started: Promise<RunningStack> | undefined;
  return {
    get: () => started ??= startStack({ name: `test-${Deno.pid}`, fast: true }),
    stop: async () => await (await started?.catch(() => undefined))?.stop({ remove: true }),
  };
}

const [only, filter = ""] = Deno.args;
const chosen = steps.filter((step) => !only || step.name === only);
if (chosen.length === 0) {
  console.error(`There is no step "${only}". Steps: ${steps.map((step) => step.name).join(", ")}.`);
  Deno.exit(2);
}

const stack = lazyStack();
const total: Outcome = { passed: 0, failures: [] };
try {
  for (const step of chosen) {
    const outcome = await runStep(step, stack.get, filter);
    total.passed += outcome.passed;
    total.failures.push(...outcome.failures);
  }
} finally {
  await stack.stop();
}
// Once more at the end, a line each: whoever reads the last page of a log must learn what failed.
for (const failure of total.failures) console.log(`FAILED: ${failure.split("\n", 1)[0]}`);
console.log(`${total.passed} passed, ${total.failures.length} failed`);
Deno.exit(total.failures.length === 0 ? 0 : 1);
