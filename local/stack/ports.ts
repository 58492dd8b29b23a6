/** The ports one stack shows to the outside, counted from its API port as `supabase start` does. */
export interface StackPorts {
  readonly api: number;
  readonly db: number;
  readonly mail: number;
  readonly providers: number;
}

/** The API port of `supabase start`, and ours when none is asked for. */
export const defaultApiPort = 54321;

/** The ports that belong to an API port. */
export function portsFrom(api: number): StackPorts {
  if (!Number.isInteger(api) || api < 1024 || api > 65_500) {
    throw new Error(`Port ${api} cannot be used: choose one from 1024 to 65500.`);
  }
  return { api, db: api + 1, mail: api + 3, providers: api + 9 };
}

/** True when nothing listens on this loopback port. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/*
 * Ports that somebody is to listen on later, or again after a restart, are none that systems hand out
 * by themselves (from 32768 on): any connection that is opened meanwhile could be given one of those.
 */

const given = new Set<number>();

/** A loopback port that is free at this moment, and that this process was never given before. */
export function freePort(): number {
  const port = firstFree(
    () => 10_000 + Math.floor(Math.random() * 10_000),
    (port) => !given.has(port) && isFree(port),
  );
  given.add(port);
  return port;
}

/**
 * An API port whose whole set is free, and that this process was never given before: of two stacks that
 * start at the same time none listens yet. From a range no default of ours lies in.
 */
export function freeApiPort(): number {
  const api = firstFree(
    () => 20_000 + 10 * Math.floor(Math.random() * 1_200),
    (api) => !given.has(api) && Object.values(portsFrom(api)).every(isFree),
  );
  given.add(api);
  return api;
}

function firstFree(pick: () => number, isGood: (port: number) => boolean): number {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = pick();
    if (isGood(port)) return port;
  }
  throw new Error("No free port was found between 10000 and 32000.");
}

/** The API port of `supabase start` when its whole set is free, else a free one. */
export function usualOrFreeApiPort(): number {
  const isUsable = Object.values(portsFrom(defaultApiPort)).every(isFree);
  return isUsable ? defaultApiPort : freeApiPort();
}

/** One sentence about the first taken port, or null when all are free. */
export async function takenPortSentence(ports: Partial<StackPorts>): Promise<string | null> {
  for (const [purpose, port] of Object.entries(ports)) {
    if (isFree(port)) continue;
    return `Port ${port} (${purpose}) is already in use${await holderOf(port)}, ` +
      `or start on other ports, such as --port=${freeApiPort()}.`;
  }
  return null;
}

/**
 * Who holds a port, and what to do about it. Known on Linux only, and by name only for processes
 * that we may look at.
 */
async function holderOf(port: number): Promise<string> {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readOr(path, ""));
  const inodes = listeningInodes((await Promise.all(tables)).join(""), port);
  if (Deno.build.os !== "linux") return "; end what uses it";
  // Systems lend the ports of `supabase start` to connections.
  if (inodes.size === 0) return " by a connection, for as long as that lasts; try again";
  const owner = await processWith(inodes);
  return owner ? ` by ${owner}; end that process` : " by another user's process; have it ended";
}

/** The process that holds one of these sockets, as "name (pid)". */
async function processWith(inodes: Set<string>): Promise<string | null> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (/^\d+$/.test(name) && await holdsSocket(name, inodes)) {
      return `${(await readOr(`/proc/${name}/comm`, "a process")).trim()} (pid ${name})`;
    }
  }
  return null;
}

/** Inodes of sockets listening on a port, read from the text of /proc/net/tcp. */
export function listeningInodes(table: string, port: number): Set<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = "0A";
  return new Set(
    table.split("\n").map((line) => line.trim().split(/\s+/))
      .filter((field) => field[1]?.endsWith(`:${wanted}`) && field[3] === listening)
      .map((field) => field[9] ?? ""),
  );
}

async function holdsSocket(pid: string, inodes: Set<string>): Promise<boolean> {
  try {
    for await (const fd of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${pid}/fd/${fd.name}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode && inodes.has(inode)) return true;
    }
  } catch {
    return false;
  }
  return false;
}

async function readOr(path: string, fallback: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => fallback);
}
