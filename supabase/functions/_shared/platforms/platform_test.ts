import assert from "node:assert/strict";
import { openFunction, stackTest } from "../testing/stack.ts";
import { platforms } from "./registry.ts";

for (const { name, oauth } of Object.values(platforms)) {
  stackTest(
    `${name} sends a challenge exactly if it says so, state and address always`,
    async () => {
      await openFunction(() => import("../../oauth-youtube-init/index.ts"));
      const text = decodeURIComponent(oauth.authorizationUrl({
        redirectUri: "https://api.example/callback",
        state: "the-state",
        codeChallenge: "the-challenge",
        scopes: ["read"],
      }));
      assert.ok(text.includes("state=the-state"));
      assert.ok(text.includes("redirect_uri=https://api.example/callback"));
      assert.equal(text.includes("the-challenge"), oauth.pkce);
    },
  );
}
