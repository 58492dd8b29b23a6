import { join } from "node:path";
import { npmPackage } from "../npm_package.ts";
import { type Machine, thisMachine } from "../postgres/platform.ts";
import { cacheRoot } from "../stack/paths.ts";

/** The API level of the platform's runtime (edge-runtime 1.74 and later). */
const platformDenoVersion = "2.1.4";

/** Path of a Deno as old as the platform's, from npm. */
export async function platformDeno(machine: Machine = thisMachine()): Promise<string> {
  const pack = { name: `@deno/${denoPlatform(machine)}`, version: platformDenoVersion };
  return join(await npmPackage(pack, join(cacheRoot(), "platform-deno")), "deno");
}

function denoPlatform({ os, arch }: Machine): string {
  const cpu = { x86_64: "x64", aarch64: "arm64" }[arch];
  if (!cpu || !["linux", "darwin"].includes(os)) {
    throw new Error(`There is no Deno ${platformDenoVersion} for ${os} on ${arch} on npm.`);
  }
  return os === "linux" ? `linux-${cpu}-glibc` : `darwin-${cpu}`;
}
