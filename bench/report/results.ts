import type { ContenderId } from "../queues/contenders.ts";
import type { Figures } from "../scenarios/scenario.ts";

/** Every sample of a run: by contender, then by figure, one per round. */
export class Results {
  readonly samples: Partial<Record<ContenderId, Record<string, number[]>>> = {};
  readonly failures: string[] = [];
  /** The part of the machine that others used, by measurement. */
  readonly disturbances: { readonly measurement: string; readonly others: number }[] = [];

  add(contender: ContenderId, figures: Figures): void {
    const known = this.samples[contender] ??= {};
    for (const [figure, value] of Object.entries(figures)) (known[figure] ??= []).push(value);
  }

  /** The samples of one figure; none when it was not measured. */
  of(contender: ContenderId, figure: string): number[] {
    return this.samples[contender]?.[figure] ?? [];
  }
}
