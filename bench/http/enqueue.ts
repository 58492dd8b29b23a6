import type { StackInfo } from "../../local/stack/info.ts";
import { percentile } from "../statistics.ts";
import type { Api } from "./api.ts";
import { closedLoop } from "./closed_loop.ts";
import type { Creator, Crowd } from "./crowd.ts";
import type { HttpResults } from "./http_results.ts";
import { cpuPerCall, readPartCpu } from "./part_cpu.ts";

/** The ways in: `http` is the one that the HTTP API calls the enqueue. */
export const waysIn = {
  http: "POST functions/v1/sync-youtube",
  rpc: "POST rest/v1/rpc/create_job",
} as const;

/** The name of a way in. */
export type WayIn = keyof typeof waysIn;

/** Clients at once, and how many calls they make together. */
export const loads = [
  { clients: 1, count: 100 },
  { clients: 16, count: 400 },
  { clients: 64, count: 640 },
] as const;

/** Where the time goes is asked at this number of clients. */
export const profiledClients = 16;

/** Users that one round takes. */
export const usersPerRound = 2 * loads.reduce((sum, { count }) => sum + count, 0);

/** One round: every way in at every number of clients; the ways take turns at beginning. */
export async function measureEnqueue(
  { api, crowd, stack, results, round }: {
    api: Api;
    crowd: Crowd;
    stack: StackInfo;
    results: HttpResults;
    round: number;
  },
): Promise<void> {
  const calls: Record<WayIn, (creator: Creator) => Promise<unknown>> = {
    http: (creator) => api.startSync(creator),
    rpc: (creator) => api.createJob(creator),
  };
  const ways = Object.keys(waysIn) as WayIn[];
  for (const load of loads) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const before = await readPartCpu(stack);
      const { latencies, perSecond } = await closedLoop(load, () => calls[way](crowd.take()));
      const after = await readPartCpu(stack);
      const name = `${way}_enqueue`;
      for (const [figure, share] of [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]] as const) {
        results.add(`${name}_${figure}_${load.clients}`, percentile(latencies, share));
      }
      results.add(`${name}_per_second_${load.clients}`, perSecond);
      if (load.clients !== profiledClients || !before || !after) continue;
      results.addProfile(way, cpuPerCall(before, after, load.count));
    }
  }
}
