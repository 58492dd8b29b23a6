import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { LogFile } from "./log_file.ts";

Deno.test("a log never takes more than twice what it may, and goes on where it was", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "part.log");
  const line = new TextEncoder().encode(`${"x".repeat(99)}\n`);
  const sizes = async () =>
    await Promise.all(
      [path, `${path}.1`].map((file) => Deno.stat(file).then(({ size }) => size, () => 0)),
    );
  try {
    for (let start = 0; start < 3; start++) {
      const log = new LogFile(path, 1000);
      for (let count = 0; count < 17; count++) log.write(line);
      log.close();
    }
    const [now, before] = await sizes();
    equal(now, 100);
    equal(before, 1000);
    ok((await Deno.readTextFile(path)).endsWith("x\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
