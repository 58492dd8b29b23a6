/** The machine as far as it decides which PostgreSQL can run on it. */
export interface Machine {
  readonly os: string;
  readonly arch: string;
  /** False where the C library is not glibc: the binaries then do not load. */
  readonly glibc: boolean;
}

const packageOf: Readonly<Record<string, string>> = {
  "linux x86_64": "linux-x64",
  "linux aarch64": "linux-arm64",
  "darwin x86_64": "darwin-x64",
  "darwin aarch64": "darwin-arm64",
};

/** The machine we are on. */
export function thisMachine(): Machine {
  const { os, arch } = Deno.build;
  return { os, arch, glibc: os !== "linux" || hasGlibc(arch) };
}

/** The last part of the npm package with PostgreSQL for a machine; throws one clear sentence. */
export function postgresPackageFor(machine: Machine): string {
  const name = packageOf[`${machine.os} ${machine.arch}`];
  if (!name) {
    throw new Error(
      `The local stack has no PostgreSQL for ${machine.os} on ${machine.arch}; it runs on Linux and macOS, x86_64 or aarch64 (elsewhere use \`supabase start\`).`,
    );
  }
  if (!machine.glibc) {
    throw new Error(
      "The local stack's PostgreSQL needs glibc, which this Linux (musl, such as Alpine) does not have; use a Debian or Fedora based system, or `supabase start`.",
    );
  }
  return name;
}

function hasGlibc(arch: string): boolean {
  const loader = arch === "aarch64"
    ? ["/lib/ld-linux-aarch64.so.1", "/lib64/ld-linux-aarch64.so.1"]
    : ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"];
  return loader.some((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
