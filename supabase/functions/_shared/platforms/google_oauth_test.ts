import assert from "node:assert/strict";
import { serveFake } from "../testing/fake_server.ts";
import { createGoogleOAuth } from "./google_oauth.ts";
import { ProviderError } from "./provider_error.ts";

const tokens = { accessToken: "at", refreshToken: "rt" };

function clientAt(tokenUrl: string) {
  return createGoogleOAuth(() => ({
    clientId: "id",
    clientSecret: "s3cr3t",
    authUrl: "https://accounts.example/auth",
    tokenUrl,
  }));
}

Deno.test("authorizationUrl() asks for offline access with PKCE and state, and holds no secret", () => {
  const url = new URL(
    clientAt("").authorizationUrl({
      redirectUri: "https://api.example/callback",
      state: "st",
      codeChallenge: "ch",
      scopes: ["a", "b"],
    }),
  );
  assert.equal(url.origin + url.pathname, "https://accounts.example/auth");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    client_id: "id",
    redirect_uri: "https://api.example/callback",
    response_type: "code",
    scope: "a b",
    state: "st",
    code_challenge: "ch",
    code_challenge_method: "S256",
    access_type: "offline",
    prompt: "consent",
    include_granted_scopes: "true",
  });
});

Deno.test("exchangeCode() posts code and verifier, and reads what was granted from the answer", async () => {
  await using server = serveFake(() =>
    Response.json({
      access_token: "at",
      refresh_token: "rt",
      expires_in: 3599,
      scope: "b c",
      token_type: "Bearer",
    })
  );
  const grant = await clientAt(server.url).exchangeCode({
    code: "co",
    codeVerifier: "ve",
    redirectUri: "https://api.example/callback",
  });
  assert.deepEqual([grant.accessToken, grant.refreshToken, grant.scopes], ["at", "rt", ["b", "c"]]);
  const seconds = (Date.parse(grant.expiresAt!) - Date.now()) / 1000;
  assert.ok(seconds > 3590 && seconds <= 3599, String(seconds));
  const [request] = server.seen;
  assert.equal(request!.path, "/token");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(request!.body)), {
    grant_type: "authorization_code",
    code: "co",
    code_verifier: "ve",
    redirect_uri: "https://api.example/callback",
    client_id: "id",
    client_secret: "s3cr3t",
  });
});

Deno.test("refresh() says null when the answer brings no new refresh token", async () => {
  await using server = serveFake(() =>
    Response.json({ access_token: "at", expires_in: 3599, scope: "a", token_type: "Bearer" })
  );
  assert.equal((await clientAt(server.url).refresh(tokens)).refreshToken, null);
});

for (
  const [status, body, kind] of [
    [400, { error: "invalid_grant", error_description: "Token has been revoked." }, "reauth"],
    [401, { error: "invalid_client" }, "permission"],
    [400, { error: "redirect_uri_mismatch" }, "invalid_input"],
    [503, "<html>", "retry_transient"],
    [200, { token_type: "Bearer" }, "retry_transient"],
  ] as const
) {
  Deno.test(`a token endpoint that answers ${status} ${JSON.stringify(body)} is ${kind}`, async () => {
    await using server = serveFake(() => Response.json(body, { status }));
    await assert.rejects(
      clientAt(server.url).refresh({ accessToken: "at", refreshToken: "s3cr3t-rt" }),
      (error) => {
        assert.ok(error instanceof ProviderError);
        assert.equal(error.class, kind);
        assert.ok(!`${error.message} ${error.stack}`.includes("s3cr3t"));
        return true;
      },
    );
  });
}

Deno.test("revoke() takes a token that is already invalid for done, and no other refusal", async () => {
  await using ended = serveFake(() => Response.json({ error: "invalid_token" }, { status: 400 }));
  const revoked = { revoked: true };
  assert.deepEqual(await clientAt(ended.url).revoke(tokens), revoked);
  await using down = serveFake(() => new Response("", { status: 500 }));
  await assert.rejects(clientAt(down.url).revoke(tokens), ProviderError);
  await using fine = serveFake(() => new Response(""));
  assert.deepEqual(await clientAt(fine.url).revoke(tokens), revoked);
  assert.equal(fine.seen[0]!.body, "token=rt");
});
