import { join } from "node:path";
import { writePrivateJson } from "../stack/private_json.ts";

/** What a stack remembers of the database it works on; `stack.json` goes at each stop, this stays. */
export interface OwnDatabase {
  /** The URL that was given to `--db-url`. */
  readonly url: string;
  /** Password of the role Auth and data API log in as. */
  readonly api_password: string;
  /** Password of role postgres, should the server have had none. */
  readonly postgres_password: string;
}

/** The database a stack was started on with `--db-url`; null for one with a server of its own. */
export async function readOwnDatabase(stackDir: string): Promise<OwnDatabase | null> {
  const text = await Deno.readTextFile(pathIn(stackDir)).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  return text === null ? null : JSON.parse(text) as OwnDatabase;
}

/** Remembers a database; passwords once made stay. */
export async function keepOwnDatabase(stackDir: string, url: string): Promise<OwnDatabase> {
  const kept = await readOwnDatabase(stackDir);
  const database: OwnDatabase = {
    api_password: kept?.api_password ?? password(),
    postgres_password: kept?.postgres_password ?? password(),
    url,
  };
  await writePrivateJson(pathIn(stackDir), database);
  return database;
}

function pathIn(stackDir: string): string {
  return join(stackDir, "own_database.json");
}

function password(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toHex();
}
