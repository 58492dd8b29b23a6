import { join } from "node:path";
import { exists, publish } from "./postgres/install.ts";

/** A package that comes by npm and is kept in the cache, because only some commands need it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
}

/** The folder of a package, installed below `cacheFolder` when it is not there yet. */
export async function npmPackage(pack: NpmPackage, cacheFolder: string): Promise<string> {
  const folder = join(cacheFolder, pack.version);
  if (!await exists(join(folder, "node_modules", pack.name))) await install(pack, folder);
  return join(folder, "node_modules", pack.name);
}

async function install({ name, version }: NpmPackage, folder: string): Promise<void> {
  const draft = `${folder}.draft-${Deno.pid}`;
  await Deno.mkdir(draft, { recursive: true });
  await installDependencies(draft, { [name]: version });
  await publish(draft, folder);
}

/** Makes a `node_modules` with these packages in a folder. */
export async function installDependencies(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.writeTextFile(join(folder, "package.json"), JSON.stringify({ dependencies }));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--node-modules-dir=manual", "--no-lock"],
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    const names = Object.keys(dependencies).join(", ");
    throw new Error(`${names} could not be installed: ${new TextDecoder().decode(stderr)}`);
  }
}
