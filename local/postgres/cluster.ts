import { join } from "node:path";
import { localKeys } from "../stack/keys.ts";
import { cacheRoot } from "../stack/paths.ts";
import { markUsed } from "../stack/prune_cache.ts";
import { exists, type Installation, publish } from "./install.ts";
import { assertReachable, giveToPostgres, unprivileged } from "./unprivileged.ts";

/** Name of the bootstrap superuser, as on hosted projects. */
export const superuser = "supabase_admin";

/** Raised when clusters are made in another way: prepared ones are then made anew. */
const edition = 2;

/**
 * The superuser's password. The other roles have the one that everybody knows, but a superuser can
 * run programs as whoever runs the server, and every user of the machine reaches the port.
 */
export async function superuserPassword(dataDir: string): Promise<string> {
  return await Deno.readTextFile(passwordFile(dataDir)).catch((error: unknown) => {
    // A cluster of the first edition.
    if (error instanceof Deno.errors.NotFound) return localKeys.databasePassword;
    throw error;
  });
}

/** Beside the data, so that a copy of a cluster has its own at hand; PostgreSQL looks past it. */
function passwordFile(dataDir: string): string {
  return join(dataDir, "superuser_password");
}

/**
 * Path of a prepared cluster: initialised, and with everything `prepare` put into it. Building
 * takes seconds, copying does not, so one is kept per installation and content.
 */
export async function clusterTemplate(
  installation: Installation,
  contentHash: string,
  prepare: (dataDir: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheRoot(), "clusters");
  const template = join(folder, `${installation.id}-${contentHash}-${edition}`);
  if (await exists(template)) {
    await markUsed(template);
    return template;
  }
  await Deno.mkdir(folder, { recursive: true });
  await assertReachable(folder);
  const draft = `${template}.draft-${Deno.pid}`;
  await Deno.mkdir(draft, { mode: 0o700 });
  try {
    await giveToPostgres(draft);
    await initialise(installation, draft);
    await prepare(draft);
    await publish(draft, template);
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    throw error;
  }
  return template;
}

/** Copies a template to where a stack keeps its data, as the user PostgreSQL runs as. */
export async function copyCluster(template: string, dataDir: string): Promise<void> {
  const draft = `${dataDir}.draft`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  await run("/bin/cp", ["-Rp", template, draft], {});
  await Deno.rename(draft, dataDir);
}

/** Writes a copied cluster to disk; a server with fsync on trusts that this has been done. */
export async function syncCluster({ root }: Installation, dataDir: string): Promise<void> {
  await run(join(root, "bin", "initdb"), ["--sync-only", "-D", dataDir], unprivileged());
}

async function initialise({ root }: Installation, dataDir: string): Promise<void> {
  // The folder has to be empty until it is initialised.
  const password = `${dataDir}.password`;
  const made = crypto.getRandomValues(new Uint8Array(24)).toHex();
  await Deno.writeTextFile(password, made, { mode: 0o600 });
  await giveToPostgres(password);
  try {
    await run(join(root, "bin", "initdb"), [
      `--pgdata=${dataDir}`,
      `--username=${superuser}`,
      `--pwfile=${password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale-provider=icu",
      "--icu-locale=en-US",
      "--locale=C.UTF-8",
      "--no-sync",
      "--no-instructions",
    ], unprivileged());
    await Deno.rename(password, passwordFile(dataDir));
  } catch (error) {
    await Deno.remove(password);
    throw error;
  }
}

async function run(
  command: string,
  args: string[],
  user: { uid?: number; gid?: number },
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    ...user,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr).trim()}`);
}
