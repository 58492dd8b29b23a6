import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Sql } from "postgres";

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
}

const settings = [
  "fsync",
  "synchronous_commit",
  "wal_level",
  "shared_buffers",
  "max_wal_size",
  "autovacuum",
];

/** Reads them from the machine and from a database server. */
export async function machineFacts(sql: Sql): Promise<MachineFacts> {
  const [server] = await sql<
    { version: string }[]
  >`select current_setting('server_version') as version`;
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting from pg_settings where name = any(${settings})`;
  return {
    at: new Date().toISOString(),
    cpus: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg(),
    postgres: server!.version,
    settings: Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
  };
}
