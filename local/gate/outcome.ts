/** The result of one step of the gate: how many checks passed, and one text per check that did not. */
export type Outcome = { passed: number; failures: string[] };

/** One check that either holds or fails with a reason. */
export function check(holds: boolean, reason: string): Outcome {
  return holds ? { passed: 1, failures: [] } : { passed: 0, failures: [reason] };
}

/** Several results as one. */
export function sum(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((total, { passed }) => total + passed, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}
