/** Steps that an attempt takes, with a token that it holds or once held. */
import fc from "fast-check";
import type { Attempt, Model } from "./model.ts";
import type { EngineRun } from "./run.ts";
import { index, pick, Step } from "./step.ts";

/** Zombies try as often as workers that still hold the job. */
export const attempt = fc.record({ n: index, isLive: fc.boolean() });

/** An attempt, by a number. */
export type AnyAttempt = { n: number; isLive: boolean };

/** As it is printed. */
export const name = ({ n, isLive }: AnyAttempt) => `${isLive ? "holder" : "anybody"} ${n}`;

/** The attempts that the number chooses among. */
export function candidates(model: Readonly<Model>, isLive: boolean): Attempt[] {
  return model.attempts.filter(({ job, token }) => !isLive || job.isHeldBy(token));
}

/** A step that one attempt takes. */
export function byAttempt(
  text: string,
  who: AnyAttempt,
  run: (attempt: Attempt, model: Model, run: EngineRun) => Promise<void>,
): Step {
  return new Step(
    `${text} by ${name(who)}`,
    (model) => candidates(model, who.isLive).length > 0,
    (model, real) => run(pick(candidates(model, who.isLive), who.n), model, real),
  );
}
