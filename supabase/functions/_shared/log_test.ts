import assert from "node:assert/strict";
import { createLogger, type LogFields } from "./log.ts";
import { redact } from "./redact.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

Deno.test("a logger writes one JSON line with its context, errors with their causes", () => {
  const lines: string[] = [];
  const log = createLogger({ function: "f" }, (line) => lines.push(line)).with({ request_id: "r" });
  log.error("it failed\nbadly", {
    error: new Error("outer", { cause: new Error(`token ${JWT}`) }),
  });
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]!.includes("\n") && !lines[0]!.includes(JWT));
  const line = JSON.parse(lines[0]!);
  assert.equal(line.level, "error");
  assert.equal(line.function, "f");
  assert.equal(line.request_id, "r");
  assert.equal(line.error.cause.message, "token [redacted]");
});

Deno.test("a line that would be cut is shortened to valid JSON", () => {
  const lines: string[] = [];
  createLogger({ request_id: "r" }, (line) => lines.push(line))
    .info("much", { list: Array.from({ length: 5000 }, (_, n) => `item ${n}`) });
  assert.ok(lines[0]!.length < 10_000);
  assert.deepEqual(
    { request_id: JSON.parse(lines[0]!).request_id, truncated: JSON.parse(lines[0]!).truncated },
    { request_id: "r", truncated: true },
  );
});

Deno.test("a field may replace what a line begins with, or its context, and stands there once", () => {
  const lines: string[] = [];
  const log = createLogger({ job: 1, page: 1 }, (line) => lines.push(line));
  log.info("said", { page: 2, message: "instead" });
  log.with({ time: "noon", job: undefined }).info("said");
  log.info("said", {});
  assert.deepEqual(lines.map((line) => line.match(/"(page|message|job)":/g)?.length), [3, 2, 3]);
  const [first, second, third] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([first.page, first.message, first.job], [2, "instead", 1]);
  assert.deepEqual([second.time, second.page, "job" in second], ["noon", 1, false]);
  assert.match(third.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(third.time) - Date.now()) < 60_000);
});

Deno.test("lines of the same moment each have their own level, message and context", () => {
  const lines: string[] = [];
  const log = createLogger({ page: 1 }, (line) => lines.push(line));
  const other = log.with({ page: 2 });
  for (const message of ["one", "two", "two", "one"]) {
    log.info(message);
    log.error(message);
    other.info(message);
  }
  const said = lines.map((line) => JSON.parse(line))
    .map(({ level, message, page }) => `${level} ${message} ${page}`);
  const of = (message: string) => [`info ${message} 1`, `error ${message} 1`, `info ${message} 2`];
  assert.deepEqual(said, [...of("one"), ...of("two"), ...of("two"), ...of("one")]);
});

Deno.test("a line says of each field what redact() says, however often it was said", () => {
  const lines: string[] = [];
  const log = createLogger({ function: "f" }, (line) => lines.push(line));
  const id = "0199f3a1-eaa0-7eab-8eaa-0123456789ab";
  const said: LogFields[] = [
    { id, outcome: "completed", attempt: 1, code: 7, token: "s3cr3t" },
    { id: id.toUpperCase(), outcome: "completed", attempt: -0, code: "s3cr3t", token: null },
    { id: `4/0${id.slice(3)}`, outcome: 'a "quoted"\n\ud800', attempt: NaN, code: ["s3cr3t"] },
    { id: "ann@mail.example", outcome: "", attempt: Infinity, token: true, code: undefined },
    { id: { state: "s3cr3t" }, outcome: undefined, attempt: 2n, code: {}, token: () => "s3cr3t" },
    { id: new Date(0), outcome: Symbol("s3cr3t"), attempt: [1, "1//0gs3cr3t-s3cr3t"], token: "" },
    { id, outcome: "completed", attempt: 1, code: 7, token: "s3cr3t" },
  ];
  for (const fields of said) log.info("job", fields);
  const expected = said.map((fields) => JSON.parse(JSON.stringify(redact(fields))));
  const found = lines.map((line) => {
    const { level: _level, time: _time, message: _message, function: _function, ...fields } = JSON
      .parse(line);
    return fields;
  });
  assert.deepEqual(found, expected);
  assert.ok(!lines.join().includes("s3cr3t") && lines[0]!.includes(id));
});
