import type { ContenderId } from "../queues/contenders.ts";
import type { Scenario } from "./scenario.ts";

/** Some contenders of every scenario, all in the same round. */
export interface Lap {
  readonly round: number;
  readonly of: "everybody" | "compared" | "others";
}

/** As many rounds as a median needs to say something. */
const enough = 3;

/**
 * The order of a run: a first round of everybody, then those that the ratios are made of until they
 * have enough rounds, then the others, then everybody again while there is time.
 */
export function lapsOf(mostRounds: number): Lap[] {
  const until = Math.min(enough, mostRounds);
  const laps: Lap[] = [{ round: 0, of: "everybody" }];
  for (const  of of["compared", "others"] as const) {
    for (let round = 1; round < until; round++) laps.push({ round, of });
  }
  for (let round = until; round < mostRounds; round++) laps.push({ round, of: "everybody" });
  return laps;
}

/** Who is measured in a lap, in turn: who begins changes with the round. */
export function contendersOf(scenario: Scenario, { round, of }: Lap): ContenderId[] {
  const ids = [
    ...(of === "others" ? [] : scenario.compared),
    ...(of === "compared" ? [] : scenario.others),
  ];
  const turn = round % Math.max(1, ids.length);
  return [...ids.slice(turn), ...ids.slice(0, turn)];
}
