import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Lab } from "./lab.ts";
import { versionOf } from "./node.ts";

/** What a reader needs to compare two runs. */
export interface MachineFacts {
  readonly at: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  /** Processes that ran or wanted to, lately: more than the CPUs means that others were at work. */
  readonly load: number[];
  readonly postgres: string;
  readonly settings: Record<string, string>;
  /** What ran the peers, and what ran ours. */
  readonly runtimes: string[];
}

const settings = [
  "fsync",
  "synchronous_commit",
  "wal_level",
  "shared_buffers",
  "max_wal_size",
  "autovacuum",
];

/** Reads them. */
export async function machineFacts({ runtimes, sql }: Lab): Promise<MachineFacts> {
  const [server] = await sql<
    { version: string }[]
  >`select current_setting('server_version') as version`;
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting from pg_settings where name = any(${settings})`;
  const programs = [runtimes.node[0]!, runtimes.deno[0]!];
  const versions = await Promise.all(programs.map(versionOf));
  return {
    at: new Date().toISOString(),
    cpus: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg(),
    postgres: server!.version,
    settings: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
    runtimes: [`peers: ${versions[0] ?? "unknown"}`, `ours: ${versions[1] ?? "unknown"}`],
  };
}
