/** `deno task types`: writes the functions' database types from the migrations. */
import { withMigratedDatabase } from "./migrated_database.ts";
import { generateTypes, typesPath } from "./types.ts";

await withMigratedDatabase("types", async (dbUrl) => {
  await Deno.writeTextFile(typesPath, await generateTypes(dbUrl));
});
