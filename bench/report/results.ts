import type { ContenderId } from "../queues/contenders.ts";
import type { Figures } from "../scenarios/scenario.ts";

/** Every sample of a run: by contender, then by figure, then by round; null where a round has none. */
export class Results {
  readonly samples: Partial<Record<ContenderId, Record<string, (number | null)[]>>> = {};
  readonly failures: string[] = [];
  /** The part of the machine that others used, by measurement. */
  readonly disturbances: { readonly measurement: string; readonly others: number }[] = [];

  add(round: number, contender: ContenderId, figures: Figures): void {
    const known = this.samples[contender] ??= {};
    for (const [figure, value] of Object.entries(figures)) {
      const rounds = known[figure] ??= [];
      while (rounds.length < round) rounds.push(null);
      rounds[round] = value;
    }
  }

  /** The samples of one figure; none when it was not measured. */
  of(contender: ContenderId, figure: string): number[] {
    return this.rounds(contender, figure).filter((value) => value !== null);
  }

  /** The same by round, for what is compared within its round. */
  rounds(contender: ContenderId, figure: string): readonly (number | null)[] {
    return this.samples[contender]?.[figure] ?? [];
  }
}
