import { join } from "node:path";
import { superuserUrl } from "../../local/postgres/connect.ts";
import { installPostgres } from "../../local/postgres/install.ts";
import { ensureCluster } from "../../local/postgres/prepare.ts";
import { clearFormerServer } from "../../local/postgres/postmaster.ts";
import { startServer } from "../../local/postgres/server.ts";
import type { ServerSettings } from "../../local/postgres/settings.ts";
import { freePort } from "../../local/stack/ports.ts";
import { lockBenchmarks } from "./lock.ts";

/** A PostgreSQL with nothing beside it, set up as the local stack's, with fsync on. */
export interface BenchServer {
  readonly pid: number;
  /** URL of a database on it, as superuser. */
  url(database: string): string;
  /** Stops it and deletes its data. */
  stop(): Promise<void>;
}

/** Starts the server of the benchmarks on a new cluster; only one runs at a time. */
export async function startBenchServer(
  settings: Pick<ServerSettings, "maxWalSize"> = {},
): Promise<BenchServer> {
  const { folder, lock } = await lockBenchmarks();
  const dataDir = join(folder, "pgdata");
  const installation = await installPostgres();
  // A benchmark that was killed leaves its data, and maybe a server on it.
  await clearFormerServer(dataDir);
  await Deno.remove(dataDir, { recursive: true }).catch(() => {});
  await ensureCluster(installation, dataDir, { fast: false });
  const port = freePort();
  const asSuperuser = await superuserUrl(port, dataDir);
  const server = await startServer(installation.root, dataDir, {
    port,
    fast: false,
    output: "null",
    ...settings,
  });
  return {
    pid: server.pid,
    url(database) {
      const url = new URL(asSuperuser);
      url.pathname = `/${database}`;
      return url.href;
    },
    async stop() {
      await server.stop(5_000);
      await Deno.remove(dataDir, { recursive: true });
      lock.release();
    },
  };
}
