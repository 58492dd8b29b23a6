import { join } from "node:path";
import { repositoryRoot } from "../stack/paths.ts";

/** An extension of ours that plays one the npm packages do not bring. */
export interface StandInExtension {
  readonly name: string;
  /** Control file and scripts: file name → text. */
  readonly files: Readonly<Record<string, string>>;
}

/** All stand-in extensions: one folder each under `local/extensions`. */
export async function standInExtensions(
  folder = join(repositoryRoot, "local", "extensions"),
): Promise<StandInExtension[]> {
  const extensions: StandInExtension[] = [];
  for (const name of await entries(folder, (entry) => entry.isDirectory)) {
    const files: Record<string, string> = {};
    const isExtensionFile = (entry: Deno.DirEntry) => /\.(control|sql)$/.test(entry.name);
    for (const file of await entries(join(folder, name), isExtensionFile)) {
      files[file] = await Deno.readTextFile(join(folder, name, file));
    }
    if (`${name}.control` in files) extensions.push({ name, files });
  }
  return extensions;
}

async function entries(
  folder: string,
  wanted: (entry: Deno.DirEntry) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) if (wanted(entry)) names.push(entry.name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}
