import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { readLogLine, readLogs } from "./log_lines.ts";

Deno.test("readLogLine() reads ours, PostgreSQL's and what a crash printed", () => {
  const ours = '{"time":"2026-01-01T00:00:00.000Z","level":"warn","message":"late","ms":5}';
  deepEqual(readLogLine("gateway", ours), {
    time: "2026-01-01T00:00:00.000Z",
    part: "gateway",
    level: "warn",
    text: 'late {"ms":5}',
  });
  const server = "2026-01-01 00:00:00.123 UTC [7] postgres@app ERROR:  division by zero";
  deepEqual(readLogLine("postgres", server), {
    time: "2026-01-01T00:00:00.123Z",
    part: "postgres",
    level: "error",
    text: "postgres@app ERROR:  division by zero",
  });
  equal(readLogLine("realtime", "error: Uncaught").level, "error");
  equal(readLogLine("realtime", '{"time":"20').level, "error");
});

Deno.test("readLogs() merges parts by time, and keeps what was asked for", async () => {
  const folder = await Deno.makeTempDir();
  const line = (second: number, level: string) =>
    JSON.stringify({ time: `2026-01-01T00:00:0${second}.000Z`, level, message: `${second}` }) +
    "\n";
  try {
    await Deno.mkdir(join(folder, "logs"));
    await Deno.writeTextFile(join(folder, "logs", "a.log.1"), line(1, "info"));
    await Deno.writeTextFile(join(folder, "logs", "a.log"), line(4, "error") + "    at a line\n");
    await Deno.writeTextFile(join(folder, "logs", "b.log"), line(2, "debug") + line(3, "warn"));
    const texts = async (query: Parameters<typeof readLogs>[1]) =>
      (await readLogs(folder, query)).map(({ text }) => text);
    deepEqual(await texts({ only: [], level: "debug" }), ["1", "2", "3", "4", "    at a line"]);
    deepEqual(await texts({ only: [], level: "warn" }), ["3", "4", "    at a line"]);
    deepEqual(await texts({ only: ["b"], level: "info" }), ["3"]);
    deepEqual(await readLogs(join(folder, "none"), { only: [], level: "info" }), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
