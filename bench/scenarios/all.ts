import { bulk } from "./bulk.ts";
import { finishedCrowd, pendingCrowd } from "./crowd.ts";
import { drain, largeDrain } from "./drain.ts";
import { enqueue } from "./enqueue.ts";
import { heldSnapshot } from "./held_snapshot.ts";
import { latency } from "./latency.ts";
import type { Scenario } from "./scenario.ts";

/** Every scenario, in the order of a round. */
export const scenarios: readonly Scenario[] = [
  enqueue,
  bulk,
  latency,
  drain,
  largeDrain,
  heldSnapshot,
  pendingCrowd,
  finishedCrowd,
];

/** A first look does without what only differs in size. */
export const quickScenarios: readonly Scenario[] = scenarios.filter((one) => one !== largeDrain);
