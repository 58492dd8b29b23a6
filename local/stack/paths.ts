import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this clone. */
export const repositoryRoot = fileURLToPath(new URL("../../", import.meta.url)).replace(
  /[\\/]$/,
  "",
);

/** True when the process may do everything; PostgreSQL then needs another user to run as. */
export function runsAsRoot(): boolean {
  return Deno.build.os !== "windows" && Deno.uid() === 0;
}

/**
 * Where unpacked binaries and prepared clusters are kept, shared by every clone of one user.
 * Root's own home is closed to the user PostgreSQL runs as, hence a system folder for root.
 */
export function cacheRoot(): string {
  const chosen = Deno.env.get("STREAMVIBE_CACHE_DIR");
  if (chosen) return chosen;
  if (runsAsRoot()) return "/var/cache/streamvibe";
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  return home ? join(home, ".cache", "streamvibe") : join(repositoryRoot, ".stack", "cache");
}

/** Where the stacks of this clone keep their data; one folder per stack name inside. */
export async function stateRoot(): Promise<string> {
  const chosen = Deno.env.get("STREAMVIBE_STATE_DIR");
  if (chosen) return chosen;
  if (!runsAsRoot()) return join(repositoryRoot, ".stack");
  return join("/var/lib/streamvibe", await shortHash(repositoryRoot));
}

/** The state folder of one stack. */
export async function stackDirectory(name: string): Promise<string> {
  if (!/^[a-z][a-z0-9_-]{0,30}$/.test(name)) {
    throw new Error(
      `"${name}" cannot name a stack: use up to 31 small letters, digits, "-" and "_", a letter first.`,
    );
  }
  return join(await stateRoot(), name);
}

/** Makes a folder nobody else can look into; root's lets the user PostgreSQL runs as pass through. */
export async function makePrivateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: runsAsRoot() ? 0o711 : 0o700 });
}

/** The first 16 hexadecimal digits of a text's SHA-256. */
export async function shortHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).slice(0, 8).toHex();
}
