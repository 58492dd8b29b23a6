import { startStack } from "../stack/client.ts";
import { partNames } from "../stack/info.ts";

/** Does something with a migrated database of a stack of its own, of which nothing else runs. */
export async function withMigratedDatabase(
  purpose: string,
  work: (dbUrl: string) => Promise<void>,
): Promise<void> {
  const stack = await startStack({
    name: `${purpose}-${Deno.pid}`,
    skipParts: partNames.filter((part) => part !== "postgres"),
  });
  try {
    await work(stack.db_url);
  } finally {
    await stack.stop({ remove: true });
  }
}
