/** Every function as the platform gets it: nothing but its folder, on a Deno as old as the platform's. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readFunctions } from "../gateway/function_config.ts";
import { functionEnv } from "../gateway/function_env.ts";
import { installDependencies } from "../npm_package.ts";
import { repositoryRoot } from "../stack/paths.ts";
import { localKeys } from "../stack/keys.ts";
import { platformDeno } from "./platform_deno.ts";

const supabaseDir = join(repositoryRoot, "supabase");
const functions = await readFunctions(supabaseDir);

/** What is bundled may not be larger; the platform says 20 MB. */
const bundleLimit = 20 * 1024 * 1024;

/** What of `Deno` functions may use; Command, listen, cron, openKv, dlopen and files are not there. */
const offered = ["env", "serve", "errors"];

/** A copy of the functions' folder alone, so that an import that leaves it fails as it would there. */
async function withPackage(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamvibe_functions_" });
  try {
    await copyCode(join(supabaseDir, "functions"), folder);
    const config = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
    const imports = Object.values<string>(config.imports);
    // A server has no node_modules; here they stand for what `npm:` brings.
    await Deno.writeTextFile(
      join(folder, "deno.json"),
      JSON.stringify({ ...config, nodeModulesDir: "manual" }),
    );
    const dependencies = imports.map((specifier) =>
      /^npm:(.+)@([^@]+)$/.exec(specifier)!.slice(1, 3) as [string, string]
    );
    // The types of `node:` come from npm too.
    dependencies.push(["@types/node", "22.5.4"]);
    await installDependencies(folder, Object.fromEntries(dependencies));
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function copyCode(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (name === "node_modules" || name === "testing") continue;
    if (isDirectory) await copyCode(join(from, name), join(to, name));
    else if (name === "self_test.ts" || !/_test\.ts$/.test(name)) {
      await Deno.copyFile(join(from, name), join(to, name));
    }
  }
}

async function run(
  binary: string,
  args: string[],
  folder: string,
  env: Record<string, string>,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(binary, {
    args,
    cwd: folder,
    clearEnv: true,
    env: { ...env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stdout) + text.decode(stderr));
  return text.decode(stdout);
}

const env = functionEnv({
  stackName: "deployed",
  stackDir: "/nowhere",
  apiUrl: "https://project.supabase.co",
  dbUrl: "postgresql://postgres:x@db.example:5432/postgres",
  adminDbUrl: "",
  apiDbUrl: "",
  publishableKey: localKeys.publishable,
  secretKey: localKeys.secret,
  jwtSecret: localKeys.jwtSecret,
  automationKey: "sv_automation_0123456789abcdef0123456789abcdef0123456789abcdef",
  mailUrl: "",
  providersUrl: "https://providers.example",
  port: 1,
  dataApiUrl: undefined,
  realtimeUrl: undefined,
});

Deno.test("every function type-checks, starts and fits on the platform's runtime", async (t) => {
  const deno = await platformDeno();
  const entries = [...functions.keys()].map((name) => `./${name}/index.ts`);
  assert(entries.length >= 10);
  await withPackage(async (folder) => {
    await t.step("type-checks with its types", async () => {
      // What it knows is what there is: a newer method is an error here.
      await run(deno, ["check", "--no-lock", "--config=deno.json", ...entries], folder, {
        DENO_DIR: join(folder, ".deno"),
      });
    });

    await t.step("starts without files, programs or foreign libraries", async () => {
      for (const entry of entries) {
        const script = `
          const module = await import(${JSON.stringify(entry)});
          if (typeof module.default?.fetch !== "function") throw new Error("no fetch");
          Deno.exit(0);`;
        await Deno.writeTextFile(join(folder, "start.ts"), script);
        await run(
          deno,
          [
            "run",
            "--no-lock",
            "--config=deno.json",
            "--allow-env",
            "--allow-net",
            "--allow-sys",
            `--allow-read=${folder}`,
            "start.ts",
          ],
          folder,
          { ...env, DENO_DIR: join(folder, ".deno") },
        );
      }
    });

    await t.step("is below the limit of a bundle", async () => {
      assert(await sizeOf(folder) < bundleLimit);
    });
  });
});

Deno.test("no function asks Deno for what the platform does not have", async () => {
  const asked: string[] = [];
  for (const path of await deployedModules()) {
    const text = await Deno.readTextFile(path);
    for (const [use, member] of text.matchAll(/\bDeno\.(\w+)/g)) {
      if (!offered.includes(member!)) asked.push(`${path}: ${use}`);
    }
    if (/\bnew (Shared)?Worker\(/.test(text) && !/\bimport [^;]*\bWorker\b/.test(text)) {
      asked.push(`${path}: Worker`);
    }
  }
  assert.deepEqual(asked, []);
});

/** The modules that are bundled, of all functions; those of npm packages are not ours to read. */
async function deployedModules(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { entrypoint } of functions.values()) {
    const { modules } = JSON.parse(
      // With the lock and the cache of who runs this: nothing has to be asked of the registry.
      await run(
        Deno.execPath(),
        ["info", "--json", entrypoint],
        repositoryRoot,
        Deno.env.toObject(),
      ),
    ) as { modules: { kind: string; specifier: string; local?: string }[] };
    for (const { specifier, local } of modules) {
      assert(/^(file|npm|node):/.test(specifier), `${specifier} cannot be bundled everywhere`);
      if (!local) continue;
      assert(local.startsWith(join(supabaseDir, "functions")), `${local} is not deployed`);
      found.add(local);
    }
  }
  return found;
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    if (isSymlink || name === ".deno" && folder.endsWith("functions")) continue;
    const path = join(folder, name);
    size += isDirectory ? await sizeOf(path) : (await Deno.stat(path)).size;
  }
  return size;
}
