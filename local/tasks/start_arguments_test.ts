import { deepEqual, equal, throws } from "node:assert/strict";
import { startArguments } from "./start_arguments.ts";

Deno.test("--only starts these parts and the database", () => {
  deepEqual(startArguments(["--only=data_api", "--only=mailbox"]).skipParts, [
    "realtime",
    "gateway",
    "scheduler",
    "providers",
  ]);
  deepEqual(startArguments([]).skipParts, []);
  deepEqual(startArguments(["--skip=mailbox"]).skipParts, ["mailbox"]);
  throws(() => startArguments(["--only=kitchen"]), /There is no part "kitchen"; parts: postgres/);
});

Deno.test("--log-level takes a level, and one for single parts", () => {
  equal(startArguments(["--log-level=warn,realtime=debug"]).logLevel, "warn,realtime=debug");
  throws(() => startArguments(["--log-level=loud"]), /"loud" is no log level/);
  throws(() => startArguments(["--log-level=kitchen=warn"]), /There is no part "kitchen"/);
});
