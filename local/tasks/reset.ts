/**
 * `deno task reset`: stops a stack and deletes its data, so that the next start begins anew. From a
 * database of one's own it drops what it made there, and only with `--drop-from=<its name>`.
 */
import { parseArgs } from "node:util";
import { defaultStackName, taskFor } from "../stack/info.ts";
import { resetStack } from "../stack/stop.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    name: { type: "string", default: defaultStackName },
    "drop-from": { type: "string" },
  },
});

try {
  const dropFrom = values["drop-from"];
  const done = await resetStack(values.name, {
    ...(dropFrom === undefined ? {} : { dropFrom }),
    tell: (line) => console.log(line),
  });
  if (!done) Deno.exit(1);
  console.log(
    `The data of the stack "${values.name}" is gone; \`${
      taskFor("start", values.name)
    }\` builds it anew.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
