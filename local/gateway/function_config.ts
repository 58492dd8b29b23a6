import { join, resolve } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";

const schema = z.object({
  functions: z.record(
    z.string(),
    z.object({
      enabled: z.boolean().default(true),
      verify_jwt: z.boolean().default(true),
      entrypoint: z.string().optional(),
      import_map: z.string().optional(),
    }),
  ).default({}),
});

/** One edge function, as its folder and its block in `config.toml` describe it. */
export interface FunctionDefinition {
  readonly name: string;
  /** Absolute path of the module that is served. */
  readonly entrypoint: string;
  /** Absolute path of a deno.json or import map, when the block names one. */
  readonly importMap: string | undefined;
  readonly verifyJwt: boolean;
}

/**
 * The functions of a Supabase folder: each folder under `functions/` with an `index.ts` whose name
 * does not begin with `_` or `.`, and what `config.toml` says about it.
 */
export async function readFunctions(supabaseDir: string): Promise<Map<string, FunctionDefinition>> {
  const text = await Deno.readTextFile(join(supabaseDir, "config.toml")).catch(() => "");
  const blocks = schema.parse(parse(text)).functions;
  const names = new Set(Object.keys(blocks));
  for await (const entry of Deno.readDir(join(supabaseDir, "functions"))) {
    if (entry.isDirectory && !/^[._]|^node_modules$/.test(entry.name)) names.add(entry.name);
  }

  const functions = new Map<string, FunctionDefinition>();
  for (const name of names) {
    const block = blocks[name];
    if (block?.enabled === false) continue;
    const entrypoint = block?.entrypoint
      ? resolve(supabaseDir, block.entrypoint)
      : join(supabaseDir, "functions", name, "index.ts");
    if (!await isFile(entrypoint)) continue;
    functions.set(name, {
      name,
      entrypoint,
      importMap: block?.import_map ? resolve(supabaseDir, block.import_map) : undefined,
      verifyJwt: block?.verify_jwt ?? true,
    });
  }
  return functions;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
