/**
 * Runs the real Supabase CLI with nothing but Deno. Its npm package `supabase` is a launcher that
 * lists every platform's binary as a dependency; we install only the one this machine can run.
 *
 *   deno run -A local/supabase_cli.ts migration list
 */
import { join } from "node:path";
import { npmPackage } from "./npm_package.ts";
import { type Machine, thisMachine } from "./postgres/platform.ts";
import { cacheRoot, repositoryRoot } from "./stack/paths.ts";

/** The version every developer and CI uses. */
const cliVersion = "3.1.0";

/** What a run of the CLI left. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CLI in this repository and collects what it prints. */
export async function supabase(
  args: string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const { code, stdout, stderr } = await (await command(args, "piped", env)).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Path of the CLI's binary, installed into the cache when it is not there yet. */
async function cliBinary(machine: Machine = thisMachine()): Promise<string> {
  const pack = { name: `@supabase/cli-${cliPlatform(machine)}`, version: cliVersion };
  return join(await npmPackage(pack, join(cacheRoot(), "supabase-cli")), "bin", "supabase");
}

/** How the CLI's packages name a machine. */
export function cliPlatform({ os, arch, glibc }: Machine): string {
  const cpu = { x86_64: "x64", aarch64: "arm64" }[arch];
  if (!cpu || !["linux", "darwin"].includes(os)) {
    throw new Error(`There is no Supabase CLI for ${os} on ${arch} that we know of.`);
  }
  return `${os}-${cpu}${glibc ? "" : "-musl"}`;
}

async function command(
  args: string[],
  output: "piped" | "inherit",
  env: Readonly<Record<string, string>> = {},
): Promise<Deno.Command> {
  const home = join(cacheRoot(), "supabase-cli", "home");
  const temporary = join(home, "tmp");
  await Deno.mkdir(temporary, { recursive: true, mode: 0o700 });
  return new Deno.Command(await cliBinary(), {
    args,
    cwd: repositoryRoot,
    // A home of its own: no login of the developer is used, nothing is written to theirs. Its
    // temporary folder too, where it leaves a library behind that it unpacks at every start.
    env: {
      HOME: home,
      TMPDIR: temporary,
      DO_NOT_TRACK: "1",
      SUPABASE_TELEMETRY_DISABLED: "1",
      SUPABASE_NO_UPDATE_NOTIFIER: "1",
      NO_COLOR: "1",
      ...env,
    },
    // At a terminal it asks: to log in, for a password, before it pushes.
    stdin: output === "inherit" ? "inherit" : "null",
    stdout: output,
    stderr: output,
  });
}

if (import.meta.main) {
  const { code } = await (await command(Deno.args, "inherit")).spawn().status;
  Deno.exit(code);
}
