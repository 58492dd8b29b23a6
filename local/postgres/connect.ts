import postgres from "postgres";
import { localKeys } from "../stack/keys.ts";
import { superuser, superuserPassword } from "./cluster.ts";

/** URL of the stack's database for a role; the local passwords of all but the superuser are the same. */
export function databaseUrl(
  port: number,
  role: "postgres" | "supabase_lite" = "postgres",
): string {
  return urlOf(port, role, localKeys.databasePassword);
}

/** URL of the database of a cluster for its superuser. */
export async function superuserUrl(port: number, dataDir: string): Promise<string> {
  return urlOf(port, superuser, await superuserPassword(dataDir));
}

function urlOf(port: number, role: string, password: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/postgres`;
}

/** One connection, for the work of a start; notices are noise there. */
export function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 10 });
}
