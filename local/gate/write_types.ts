/** `deno task types`: writes the functions' database types from the migrations, on a stack of its own. */
import { startStack } from "../stack/client.ts";
import { generateTypes, typesPath } from "./types.ts";

const stack = await startStack({
  name: `types-${Deno.pid}`,
  skipParts: ["data_api", "realtime", "gateway", "scheduler", "mailbox", "providers"],
});
try {
  await Deno.writeTextFile(typesPath, await generateTypes(stack.db_url));
} finally {
  await stack.stop({ remove: true });
}
