/**
 * `deno task test`: everything that must hold before a change lands, on stacks of its own.
 * `deno task test <step> [filter]` runs one step, for example `deno task test pgtap async/claim`.
 */
import { inLanes } from "./lanes.ts";
import { GateReport } from "./report.ts";
import { lazyStack } from "./stacks.ts";
import { closing, type Part, parts, stepNames } from "./steps.ts";

/** Most tests wait for most of their time: two at once keep two processors busy. */
const LANES = 2;

const [only, filter = ""] = Deno.args;
const stacks = Array.from({ length: LANES }, (_, n) => lazyStack(String(n + 1)));
const isChosen = ({ step }: Part) => !only || step === only;
if (only && !stepNames.includes(only)) {
  console.error(`There is no step "${only}". Steps: ${stepNames.join(", ")}.`);
  Deno.exit(2);
}

const report = new GateReport();
try {
  await inLanes(
    parts(filter).filter(isChosen),
    stacks,
    (part, stack) => report.run(part, () => part.run(stack.get, filter)),
  );
  const used = stacks.filter(({ isStarted }) => isStarted());
  const searched = (used.length > 0 ? used : stacks.slice(0, 1)).map(({ get }) => get);
  for (const part of closing(searched).filter(isChosen)) {
    await report.run(part, () => part.run(searched[0]!, filter));
  }
} finally {
  await Promise.all(stacks.map((stack) => stack.stop()));
}
Deno.exit(report.end() ? 0 : 1);
