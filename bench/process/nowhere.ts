import { openSync, writeSync } from "node:fs";

/** Writes a line to where nothing is kept, by the means of the runtime: Deno's own are not Node's. */
export const writeNowhere: (line: string) => void = "Deno" in globalThis ? inDeno() : inNode();

function inNode() {
  const nowhere = openSync("/dev/null", "w");
  return (line: string) => void writeSync(nowhere, `${line}\n`);
}

function inDeno() {
  const nowhere = Deno.openSync("/dev/null", { write: true });
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(64 * 1024);
  return (line: string) => {
    const { written } = encoder.encodeInto(`${line}\n`, bytes);
    nowhere.writeSync(bytes.subarray(0, written));
  };
}
