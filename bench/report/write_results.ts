import { join } from "node:path";

const folder = join(import.meta.dirname!, "..", "results");

/** Writes `bench/results/<name>.json` and `.svg`; returns where, for people. */
export async function writeResults(name: string, data: unknown, svg: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, `${name}.json`), `${JSON.stringify(data, null, 2)}\n`);
  await Deno.writeTextFile(join(folder, `${name}.svg`), svg);
  return `bench/results/${name}.{json,svg}`;
}
