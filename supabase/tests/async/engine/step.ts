/** The steps that the lives of the property test are made of. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Model } from "./model.ts";
import type { EngineRun } from "./run.ts";

/** One step; printed by its text when a run fails. */
export class Step implements fc.AsyncCommand<Model, EngineRun> {
  constructor(
    private readonly text: string,
    readonly check: (model: Readonly<Model>) => boolean,
    readonly run: (model: Model, run: EngineRun) => Promise<void>,
  ) {}

  toString(): string {
    return this.text;
  }
}

/** The element a generated number stands for, in a list whose length is not known beforehand. */
export function pick<T>(list: readonly T[], n: number): T {
  const element = list[n % list.length];
  assert.ok(element !== undefined);
  return element;
}

/** Stands for an element of a list whose length is not known beforehand: see {@link pick}. */
export const index = fc.nat({ max: 999 });
