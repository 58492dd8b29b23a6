import { join } from "node:path";
import { repositoryRoot } from "../stack/paths.ts";

/** An extension of ours that plays one the npm packages do not bring. */
export interface StandInExtension {
  readonly name: string;
  readonly control: string;
  /** All its statements, for the version that the control file calls the default. */
  readonly script: string;
}

const folder = join(repositoryRoot, "local", "extensions");

/** All stand-in extensions: one folder each, its SQL in the order of the files' names. */
export async function standInExtensions(): Promise<StandInExtension[]> {
  const extensions: StandInExtension[] = [];
  for (const name of await entries(folder, (entry) => entry.isDirectory)) {
    const read = (file: string) => Deno.readTextFile(join(folder, name, file));
    const parts = await entries(join(folder, name), (entry) => entry.name.endsWith(".sql"));
    extensions.push({
      name,
      control: await read(`${name}.control`),
      script: (await Promise.all(parts.map(read))).join("\n"),
    });
  }
  return extensions;
}

/** What PostgreSQL looks for beside its own extensions: file name → text. */
export function filesOf({ name, control, script }: StandInExtension): Record<string, string> {
  return { [`${name}.control`]: control, [`${name}--${defaultVersion(control)}.sql`]: script };
}

export function defaultVersion(control: string): string | undefined {
  return /default_version = '([^']+)'/.exec(control)?.[1];
}

async function entries(
  folder: string,
  wanted: (entry: Deno.DirEntry) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (wanted(entry)) names.push(entry.name);
  return names.sort();
}
