import { join } from "node:path";
import { localKeys } from "../stack/keys.ts";
import { cacheRoot } from "../stack/paths.ts";
import { markUsed } from "../stack/prune_cache.ts";
import { exists, type Installation, publish } from "./install.ts";
import { assertReachable, giveToPostgres, unprivileged } from "./unprivileged.ts";

/** Name of the bootstrap superuser, as on hosted projects. */
export const superuser = "supabase_admin";

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
  const template = join(folder, `${installation.id}-${contentHash}`);
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
  const passwordFile = `${dataDir}.password`;
  await Deno.writeTextFile(passwordFile, localKeys.databasePassword, { mode: 0o600 });
  await giveToPostgres(passwordFile);
  try {
    await run(join(root, "bin", "initdb"), [
      `--pgdata=${dataDir}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale-provider=icu",
      "--icu-locale=en-US",
      "--locale=C.UTF-8",
      "--no-sync",
      "--no-instructions",
    ], unprivileged());
  } finally {
    await Deno.remove(passwordFile);
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
