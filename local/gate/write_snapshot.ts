/** `deno task db:snapshot`: writes `supabase/schema.sql` from the migrations, on a stack of its own. */
import { startStack } from "../stack/client.ts";
import { snapshot, snapshotPath } from "./snapshot.ts";

const stack = await startStack({
  name: `snapshot-${Deno.pid}`,
  skipParts: ["data_api", "realtime", "gateway", "scheduler", "mailbox", "providers"],
});
try {
  await Deno.writeTextFile(snapshotPath, await snapshot(stack.db_url));
} finally {
  await stack.stop({ remove: true });
}
