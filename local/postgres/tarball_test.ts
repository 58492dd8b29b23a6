import { deepEqual, throws } from "node:assert/strict";
import { readTar } from "./tarball.ts";

/** One tar entry: header block, then the content in whole blocks. */
function entry(name: string, content: string, kind = "0"): Uint8Array {
  const bytes = new TextEncoder().encode(content);
  const block = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512);
  const write = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  write(name, 0);
  write(bytes.length.toString(8).padStart(11, "0"), 124);
  write(kind, 156);
  block.set(bytes, 512);
  return block;
}

function archive(...entries: Uint8Array[]): Uint8Array {
  return new Uint8Array([...entries.flatMap((block) => [...block]), ...new Uint8Array(1024)]);
}

Deno.test("readTar() yields regular files and skips folders", () => {
  const files = readTar(archive(
    entry("share/", "", "5"),
    entry("share/a.sql", "select 1"),
    entry("share/empty.sql", ""),
    entry("share/b.sql", "x".repeat(600)),
  ));
  const read = [...files].map(({ name, bytes }) => [name, bytes.length]);
  deepEqual(read, [["share/a.sql", 8], ["share/empty.sql", 0], ["share/b.sql", 600]]);
});

Deno.test("readTar() refuses names that leave the target folder", () => {
  throws(() => [...readTar(archive(entry("../outside", "x")))], /unsafe path/);
  throws(() => [...readTar(archive(entry("/etc/passwd", "x")))], /unsafe path/);
});
