import { type Spread, spreadOf } from "../statistics.ts";
import type { PartCpu } from "./part_cpu.ts";

/** Every sample of a run, one per round and figure. */
export class HttpResults {
  readonly samples: Record<string, number[]> = {};
  /** CPU milliseconds per call by part, one per round and way in. */
  readonly profiles: Record<string, PartCpu[]> = {};

  add(figure: string, value: number): void {
    (this.samples[figure] ??= []).push(value);
  }

  addProfile(name: string, cpu: PartCpu): void {
    (this.profiles[name] ??= []).push(cpu);
  }

  /** Median and ends over the rounds; null when it was not measured. */
  of(figure: string): Spread | null {
    const samples = this.samples[figure];
    return samples ? spreadOf(samples) : null;
  }

  /** The median over the rounds, part by part, the dearest first. */
  profileOf(name: string): [part: string, ms: number][] {
    const profiles = this.profiles[name] ?? [];
    const parts = new Set(profiles.flatMap((profile) => Object.keys(profile)));
    return Array.from(parts, (part): [string, number] => {
      return [part, spreadOf(profiles.map((profile) => profile[part] ?? 0)).median];
    }).toSorted(([, a], [, b]) => b - a);
  }
}
