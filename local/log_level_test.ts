import { equal, throws } from "node:assert/strict";
import { levelOf, matters } from "./log_level.ts";

Deno.test("a setting gives every part a level, and some their own", () => {
  equal(levelOf("realtime", ""), "info");
  equal(levelOf("realtime", "warn"), "warn");
  equal(levelOf("realtime", "warn,realtime=debug"), "debug");
  equal(levelOf("gateway", "realtime=debug, error"), "error");
  throws(() => levelOf("gateway", "loud"), /"loud" is no log level; levels: debug, info/);
});

Deno.test("a level includes those that matter more", () => {
  equal(matters("error", "warn"), true);
  equal(matters("warn", "warn"), true);
  equal(matters("info", "warn"), false);
});
