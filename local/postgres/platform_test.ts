import { equal, match, throws } from "node:assert/strict";
import { cliPlatform } from "../supabase_cli.ts";
import { postgresPackageFor } from "./platform.ts";

/** A sentence: one line, and no trace of a program. */
const oneSentence = /^The local stack[^\n]+\.$/;

Deno.test("postgresPackageFor() knows Linux and macOS on both processors", () => {
  equal(postgresPackageFor({ os: "linux", arch: "x86_64", glibc: true }), "linux-x64");
  equal(postgresPackageFor({ os: "darwin", arch: "aarch64", glibc: true }), "darwin-arm64");
});

Deno.test("postgresPackageFor() refuses an unsupported machine in one sentence", () => {
  for (
    const machine of [
      { os: "windows", arch: "x86_64", glibc: true },
      { os: "freebsd", arch: "x86_64", glibc: true },
      { os: "linux", arch: "riscv64", glibc: true },
      { os: "linux", arch: "x86_64", glibc: false },
    ]
  ) {
    throws(() => postgresPackageFor(machine), ({ message }: Error) => {
      match(message, oneSentence);
      match(message, /supabase start/);
      return true;
    });
  }
});

Deno.test("cliPlatform() names machines as the CLI's packages do", () => {
  equal(cliPlatform({ os: "linux", arch: "x86_64", glibc: true }), "linux-x64");
  equal(cliPlatform({ os: "linux", arch: "aarch64", glibc: false }), "linux-arm64-musl");
  throws(() => cliPlatform({ os: "freebsd", arch: "x86_64", glibc: true }));
});
