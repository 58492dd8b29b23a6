import { localKeys } from "../../local/stack/keys.ts";

/** The same database for the role that owns the product there, whose password everybody knows. */
export function asPostgres(superuserUrl: string): string {
  const url = new URL(superuserUrl);
  url.username = "postgres";
  url.password = localKeys.databasePassword;
  return url.href;
}
