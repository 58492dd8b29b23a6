/** What providers and creators trust us with stands nowhere, after everything else has run. */
import type { StackInfo } from "../stack/client.ts";
import { check, type Outcome, sum } from "./outcome.ts";
import { filesLike, rowsLike } from "./search.ts";

/** How the secrets of the (simulated) providers look. In the syntax that Postgres shares with us. */
export const secretShapes: readonly RegExp[] = [
  // Google: access token, refresh token, code.
  /ya29\.a0[A-Za-z0-9_-]{40}/,
  /1\/\/0g[A-Za-z0-9_-]{40}/,
  /4(\/|%2F)0A[A-Za-z0-9_-]{40}/,
  // TikTok: both tokens, code.
  /(act|rft)\.[A-Za-z0-9_-]{40}/,
  /[A-Za-z0-9_-]{60}(\*|%2A)3(!|%21)4821/,
  // Instagram and Facebook: tokens, code.
  /(IGAA|EAAG)[A-Za-z0-9_-]{40}/,
  /AQ[A-Za-z0-9_-]{120}/,
  // Whatever came or went in an address.
  /[?&](code|state|code_verifier|access_token|refresh_token|client_secret)=[A-Za-z0-9_%*.~-]{20}/,
  // Our own secrets as an app.
  /local-(google|tiktok|instagram|facebook)-secret/,
];

/** Searches every table and every log file of a stack. Vault's table is among them: it is encrypted. */
export async function checkLeaks({ admin_db_url, state_dir }: StackInfo): Promise<Outcome> {
  const tables = await rowsLike(admin_db_url, secretShapes);
  const files = await filesLike(`${state_dir}/logs`, secretShapes);
  return sum([
    check(tables.length === 0, `secrets stand in tables (rows): ${tables.join(", ")}`),
    check(files.length === 0, `secrets stand in logs: ${files.join(", ")}`),
  ]);
}
