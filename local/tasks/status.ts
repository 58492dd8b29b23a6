/** `deno task status`: what runs of a stack, as `stack.json` and the processes tell; `--json` for programs. */
import { parseArgs } from "node:util";
import { readStack } from "../stack/client.ts";
import { defaultStackName } from "../stack/info.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    name: { type: "string", default: defaultStackName },
    json: { type: "boolean", default: false },
  },
});

try {
  const info = await readStack(values.name);
  if (values.json) console.log(JSON.stringify(info, null, 2));
  else {
    console.log(`The stack "${info.name}" runs since ${info.started_at} (pid ${info.pid}).`);
    console.log(`  API ${info.api_url}, database ${info.db_url}, mail ${info.mail_url}`);
    for (const [part, { pid, port }] of Object.entries(info.parts)) {
      console.log(`  ${part.padEnd(10)} pid ${pid}, port ${port}`);
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
