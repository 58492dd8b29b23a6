import { deepEqual, equal } from "node:assert/strict";
import { readLine } from "./log_lines.ts";

Deno.test("lines of parts, of PostgreSQL and of crashes are understood", () => {
  const json = '{"time":"2026-01-01T00:00:00.000Z","level":"warn","message":"slow","waiting":3}';
  const said = readLine(json, null);
  deepEqual(said, { time: "2026-01-01T00:00:00.000Z", level: "warn", text: "slow  waiting=3" });

  const postgres = "2026-01-01 00:00:01.500 UTC [42] postgres@realtime ERROR:  no such thing";
  deepEqual(readLine(postgres, null), {
    time: "2026-01-01T00:00:01.000Z",
    level: "error",
    text: "no such thing",
  });
  equal(readLine("2026-01-01 00:00:01.500 UTC [42] LOG:  ready", null).level, "info");

  const crash = readLine("error: Uncaught TypeError: x", said);
  deepEqual([crash.level, crash.time], ["error", said.time]);
  equal(readLine("    at file.ts:1:1", crash).level, "error", "a stack belongs to its error");
  equal(readLine('{"cut', null).text, '{"cut');
});
