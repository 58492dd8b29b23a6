import { strict as assert } from "node:assert";
import { TestSimulator } from "../providers/testing.ts";
import { TestTikTok } from "../providers/tiktok/testing.ts";
import { MetaSimulator } from "../providers/meta/testing.ts";
import { secretShapes } from "./leaks.ts";

const looksSecret = (text: string) => secretShapes.some((shape) => shape.test(text));

Deno.test("whatever a provider hands out is known for a secret", async () => {
  await using providers = new TestTikTok();
  const tiktok = await providers.signIn();
  await using google = new TestSimulator();
  const youtube = await google.connect();
  await using meta = new MetaSimulator();
  const secrets = [
    tiktok.access_token,
    tiktok.refresh_token,
    (await providers.consent()).searchParams.get("code"),
    (await providers.consent()).search,
    youtube.access_token,
    youtube.refresh_token,
    (await google.consent()).searchParams.get("code"),
    (await google.consent()).search,
    await meta.instagramToken(),
    await meta.facebookUser(),
    (await meta.visit("facebook")).searchParams.get("code"),
  ];
  for (const secret of secrets) assert.ok(looksSecret(secret ?? ""), secret ?? "nothing");
});

Deno.test("ids, hashes, job keys and addresses of pages are no secrets", () => {
  for (
    const text of [
      crypto.randomUUID(),
      "-000" + "a".repeat(32),
      "https://app.example/connected?tab=2&error=OAUTH_DENIED",
      "react.component and draft.pdf",
      "/functions/v1/oauth-tiktok-callback",
    ]
  ) assert.ok(!looksSecret(text), text);
});
