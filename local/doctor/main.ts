/**
 * `deno task doctor`: proves that the job engine works, from the key in Vault to a finished job, and says
 * what to do where it does not. `--db-url` examines another database, such as that of a hosted project.
 */
import { parseArgs } from "node:util";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { defaultStackName } from "../stack/info.ts";
import { examine } from "./checks.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    name: { type: "string", default: defaultStackName },
    "db-url": { type: "string" },
  },
});

let isWell = true;
let sql: postgres.Sql | undefined;
try {
  const url = values["db-url"] ?? (await readStack(values.name)).db_url;
  sql = postgres(url, { max: 1, onnotice: () => {} });
  for await (const { ok, what, advice } of examine(sql)) {
    isWell = ok;
    console.log(`${ok ? "ok  " : "FAIL"} ${what}`);
    if (advice) console.log(`     ${advice}`);
  }
} catch (error) {
  isWell = false;
  console.error(`FAIL ${error instanceof Error ? error.message : error}`);
} finally {
  await sql?.end({ timeout: 1 });
}
Deno.exit(isWell ? 0 : 1);
