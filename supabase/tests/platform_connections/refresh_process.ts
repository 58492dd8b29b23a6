/**
 * Workers in a process of their own that want the tokens of one account at the same moment.
 * `refresh_process.ts <token url> <social account> <workers>`; begins at the first byte on stdin and prints
 * what each worker got: an access token or an error.
 */
import { createConnections } from "../../functions/_shared/platforms/connections.ts";
import { createGoogleOAuth } from "../../functions/_shared/platforms/google_oauth.ts";
import { tokenStore } from "../../functions/_shared/platforms/token_store.ts";

const [tokenUrl, socialAccountId, workers] = Deno.args;
const settings = { clientId: "id", clientSecret: "s3cr3t", authUrl: "", tokenUrl: tokenUrl! };
const oauth = createGoogleOAuth(() => settings);
const isolated = Array.from({ length: Number(workers) }, () =>
  createConnections({
    store: tokenStore,
    platforms: { youtube: { oauth } },
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }));

console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
const answers = await Promise.all(
  isolated.map(({ withAccessToken }) =>
    withAccessToken(socialAccountId!, (token) => Promise.resolve(token))
      .catch((error: Error & { code?: string }) => `${error.code}: ${error.stack}`)
  ),
);
console.log(JSON.stringify(answers));
Deno.exit();
