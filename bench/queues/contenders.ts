import type { OpenQueue, Variant } from "./contract.ts";

/** One line of the results: a system with settings, in a database of its own. */
export interface Contender {
  readonly id: string;
  readonly title: string;
  readonly system: "graphile_worker" | "pg_boss" | "pgmq" | "bare_table" | "streamvibe";
  readonly variant: Variant;
}

/** Everything that is measured. The peers' settings are the best of those their authors document. */
export const contenders = {
  graphile_500: {
    title: "graphile-worker, batches of 500",
    system: "graphile_worker",
    variant: { batch: 500 },
  },
  graphile_2000: {
    title: "graphile-worker, batches of 2000",
    system: "graphile_worker",
    variant: { batch: 2000 },
  },
  pg_boss: { title: "pg-boss", system: "pg_boss", variant: { batch: 2000 } },
  pg_boss_notify: {
    title: "pg-boss, notified",
    system: "pg_boss",
    variant: { batch: 500, notify: true },
  },
  pgmq: { title: "pgmq", system: "pgmq", variant: { batch: 2000 } },
  pgmq_notify: { title: "pgmq, notified", system: "pgmq", variant: { batch: 10, notify: true } },
  bare_table: {
    title: "a bare table, no job system",
    system: "bare_table",
    variant: { batch: 2000 },
  },
  ours_bare: { title: "StreamVibe, bare", system: "streamvibe", variant: { mode: "bare" } },
  ours_full: { title: "StreamVibe, full", system: "streamvibe", variant: { mode: "full" } },
  ours_logged: {
    title: "StreamVibe, full and one log line each",
    system: "streamvibe",
    variant: { mode: "logged" },
  },
} satisfies Record<string, Omit<Contender, "id">>;

/** The name of a line of the results. */
export type ContenderId = keyof typeof contenders;

/** Looks a contender up. */
export function contender(id: ContenderId): Contender {
  return { id, ...contenders[id] };
}

/** Loads one system; the others' packages are not even read. */
export async function openQueueOf(system: Contender["system"]): Promise<OpenQueue> {
  switch (system) {
    case "graphile_worker":
      return (await import("./graphile_worker.ts")).openQueue;
    case "pg_boss":
      return (await import("./pg_boss.ts")).openQueue;
    case "pgmq":
      return (await import("./pgmq.ts")).openQueue;
    case "bare_table":
      return (await import("./bare_table.ts")).openQueue;
    case "streamvibe":
      return (await import("./streamvibe.ts")).openQueue;
  }
}
