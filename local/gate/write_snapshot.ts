/** `deno task db:snapshot`: writes `supabase/schema.sql` from the migrations. */
import { withMigratedDatabase } from "./migrated_database.ts";
import { snapshot, snapshotPath } from "./snapshot.ts";

await withMigratedDatabase("snapshot", async (dbUrl) => {
  await Deno.writeTextFile(snapshotPath, await snapshot(dbUrl));
});
