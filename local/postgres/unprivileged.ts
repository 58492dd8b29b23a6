import { runsAsRoot } from "../stack/paths.ts";

/** The user PostgreSQL runs as when we are root: `nobody`, which every Unix has. */
const nobody = { uid: 65534, gid: 65534 } as const;

/** What to add to a command so that PostgreSQL accepts it: it refuses to run as root. */
export function unprivileged(): { uid?: number; gid?: number } {
  return runsAsRoot() ? nobody : {};
}

/** Gives a folder and all in it to the user PostgreSQL runs as; nothing to do unless root. */
export async function giveToPostgres(path: string): Promise<void> {
  if (!runsAsRoot()) return;
  await Deno.chown(path, nobody.uid, nobody.gid);
  if (!(await Deno.lstat(path)).isDirectory) return;
  for await (const entry of Deno.readDir(path)) {
    if (!entry.isSymlink) await giveToPostgres(`${path}/${entry.name}`);
  }
}

/**
 * Throws one clear sentence when root chose a folder that the unprivileged user cannot enter,
 * such as one under /root.
 */
export async function assertReachable(path: string): Promise<void> {
  if (!runsAsRoot()) return;
  const { success } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'cd "$1"', "sh", path],
    ...nobody,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) {
    throw new Error(
      `PostgreSQL does not run as root, and the user nobody cannot enter ${path}; set STREAMVIBE_STATE_DIR and STREAMVIBE_CACHE_DIR to folders it can reach.`,
    );
  }
}
