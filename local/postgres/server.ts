import { join } from "node:path";
import { waitUntil } from "../stack/process.ts";
import { clearFormerServer, readPostmaster } from "./postmaster.ts";
import { serverArguments, type ServerSettings } from "./settings.ts";
import { unprivileged } from "./unprivileged.ts";

/** How a server is started. */
export interface ServerOptions extends ServerSettings {
  /** Where its log goes: to our own output, or nowhere. */
  readonly output: "inherit" | "null";
  readonly readyWithinMs?: number;
}

/** A running PostgreSQL that we started. */
export interface Server {
  readonly pid: number;
  /** Ends with the server, however it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Shuts down in order; at once when that takes longer than it may. */
  stop(patienceMs?: number): Promise<void>;
}

/**
 * Starts a server on a data folder and waits until it takes connections. A crash before needs
 * nothing special: PostgreSQL replays its log first.
 */
export async function startServer(
  installationRoot: string,
  dataDir: string,
  { output, readyWithinMs = 60_000, ...settings }: ServerOptions,
): Promise<Server> {
  await clearFormerServer(dataDir);
  const child = new Deno.Command(join(installationRoot, "bin", "postgres"), {
    args: ["-D", dataDir, ...serverArguments(settings)],
    ...unprivileged(),
    cwd: "/",
    clearEnv: true,
    env: { LC_ALL: "C.UTF-8", TZ: "UTC" },
    stdin: "null",
    stdout: output,
    stderr: output,
    // A Ctrl-C in the terminal must not reach it before its clients have gone.
    detached: true,
  }).spawn();
  let ended = false;
  const status = child.status.finally(() => ended = true);

  const isReady = async () => ended || (await readPostmaster(dataDir))?.ready === true;
  const inTime = await waitUntil(isReady, readyWithinMs, 10);
  if (ended || !inTime) {
    if (!ended) child.kill("SIGQUIT");
    throw new Error("PostgreSQL did not start; its log says why.");
  }
  return { pid: child.pid, status, stop };

  async function stop(patienceMs = 1500): Promise<void> {
    if (ended) return;
    child.kill("SIGINT");
    if (!await waitUntil(() => ended, patienceMs)) child.kill("SIGQUIT");
    await status;
  }
}
