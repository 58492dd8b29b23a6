import { deepEqual, ok } from "node:assert/strict";
import { LogFile } from "./log_file.ts";

const encoder = new TextEncoder();

Deno.test("a log that grew large becomes the old one, and its writer goes on", async () => {
  const path = await Deno.makeTempFile();
  {
    using file = new LogFile(path, 1000);
    for (let n = 1; n <= 60; n++) file.write(encoder.encode(`line ${n} ${"x".repeat(20)}\n`));
  }
  const [current = "", old = ""] = await Promise.all(
    [path, `${path}.1`].map((file) => Deno.readTextFile(file)),
  );
  ok(current.length < 1100 && old.length < 1100, "neither is larger than it may be");
  const numbers = (old + current).match(/line \d+/g)?.map((line) => Number(line.slice(5))) ?? [];
  deepEqual(numbers, numbers.map((_, i) => 60 - numbers.length + 1 + i), "the newest are kept");
  await Promise.all([path, `${path}.1`].map((file) => Deno.remove(file)));
});
