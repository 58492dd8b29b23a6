import { join } from "node:path";
import { cacheRoot } from "../../local/stack/paths.ts";

/** The peers' packages ask for this, and their files are run as TypeScript. */
const least = [22, 18] as const;
/** What is fetched when the machine has no Node, or an old one. */
const version = "24.21.0";

/**
 * The command that runs the peers: Node at its best for them. Deno's Node compatibility is the last
 * resort, and the results say so.
 */
export async function nodeCommand(): Promise<string[]> {
  const asked = Deno.env.get("BENCH_NODE") ?? "node";
  if (isRecent(await versionOf(asked))) return [asked];
  const fetched = await fetchNode().catch(() => null);
  if (fetched && isRecent(await versionOf(fetched))) return [fetched];
  return denoCommand();
}

/** The command that runs ours. */
export function denoCommand(): string[] {
  return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check"];
}

/** What a command says about its version, such as `v24.21.0`; null when there is no such program. */
export async function versionOf(program: string): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
    return success ? new TextDecoder().decode(stdout).split("\n")[0]!.trim() : null;
  } catch {
    return null;
  }
}

function isRecent(text: string | null): boolean {
  const [major, minor] = text?.match(/^v(\d+)\.(\d+)/)?.slice(1).map(Number) ?? [0, 0];
  return major! > least[0] || (major === least[0] && minor! >= least[1]);
}

/** Node from its npm package, kept in the cache, so that no clone carries 120 MB it seldom needs. */
async function fetchNode(): Promise<string> {
  const system = Deno.build.os === "darwin" ? "darwin" : "linux";
  const name = `node-${system}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const folder = join(cacheRoot(), "node", `${name}-${version}`);
  const program = join(folder, "node_modules", name, "bin", "node");
  if (await versionOf(program)) return program;
  await Deno.mkdir(folder, { recursive: true });
  const manifest = { nodeModulesDir: "auto", imports: { [name]: `npm:${name}@${version}` } };
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(manifest));
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet"],
    cwd: folder,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${name}@${version} could not be installed.`);
  return program;
}
