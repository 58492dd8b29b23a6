import postgres from "postgres";
import { localKeys } from "../stack/keys.ts";
import { superuser } from "./cluster.ts";

/** URL of the stack's database for a role; all local passwords are the same. */
export function databaseUrl(
  port: number,
  role: "postgres" | "supabase_lite" | typeof superuser = "postgres",
): string {
  return `postgresql://${role}:${localKeys.databasePassword}@127.0.0.1:${port}/postgres`;
}

/** One connection, for the work of a start; notices are noise there. */
export function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 10 });
}
