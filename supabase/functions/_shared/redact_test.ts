import assert from "node:assert/strict";
import { redact, redactText } from "./redact.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

Deno.test("redact() hides strings under names of secrets, at any depth", () => {
  const fields = {
    access_token: "abc",
    refreshToken: "abc",
    code: "4/abc",
    state: "abc",
    client_secret: "abc",
    Authorization: "abc",
    apikey: "abc",
    email: "abc",
    nested: [{ password: "abc", cookie: { a: "abc" } }],
  };
  assert.ok(!JSON.stringify(redact(fields)).includes("abc"));
});

Deno.test("redact() lets numbers, booleans and plain fields pass", () => {
  const fields = {
    fencing_token: 7,
    token_version: 2,
    error_code: "NOT_FOUND",
    status: 404,
    ok: true,
  };
  assert.deepEqual(redact(fields), fields);
});

for (
  const [what, text] of [
    ["a JWT", `got ${JWT}`],
    ["a secret key", "sb_secret_N7UND0UgjKTVK-Uodkm0Hg"],
    ["an automation key", "sv_automation_s3cr3t"],
    ["a Google access token", "ya29.a0AfH6SMBx-s3cr3t"],
    ["a Google refresh token", "1//0gs3cr3t-s3cr3t"],
    ["a Meta access token", "Malformed access token EAAGs3cr3t-s3cr3t_s3cr3t"],
    ["an Instagram access token", "IGAAs3cr3t-s3cr3t_s3cr3t"],
    [
      "what Facebook's token endpoints are asked",
      "https://x.example/?input_token=s3cr3t&fb_exchange_token=s3cr3t&appsecret_proof=s3cr3t",
    ],
    ["a bearer header", "Authorization: Bearer s3cr3t"],
    ["a code in a query", "https://x.example/cb?state=s3cr3t&code=s3cr3t#s3cr"],
    ["a form", "grant_type=refresh_token&refresh_token=s3cr3t&client_secret=s3cr3t"],
    ["a password in a URL", "postgres://postgres:s3cr3t@db:5432/postgres"],
    ["an e-mail address", "from s3cr3t.person+tag@mail.example.com"],
  ]
) {
  Deno.test(`redactText() hides ${what}`, () => {
    const redacted = redactText(text!);
    assert.ok(!redacted.includes("s3cr3t") && !redacted.includes(JWT), redacted);
    assert.match(redacted, /\[redacted\]/);
  });
}

Deno.test("redactText() leaves an ordinary sentence alone", () => {
  const text = "Synced 50 of 250 videos (job 3f0c, code NOT_FOUND, keyboard=de)";
  assert.equal(redactText(text), text);
});

for (
  const [what, text] of [
    ["two e-mail addresses joined by a sign", "one.s3cr3t@b.c+two.s3cr3t@d.e"],
    ["a JWT after a word that begins like one", `eyJ-eyJx eyJ.${JWT}`],
    ["a JWT behind a dash", `token-${JWT}`],
    ["a password in the second URL", "http://a:b:c/x://u:s3cr3t@h"],
  ]
) {
  Deno.test(`redactText() hides ${what}`, () => {
    const redacted = redactText(text!);
    assert.ok(!redacted.includes("s3cr3t") && !redacted.includes(JWT), redacted);
  });
}

Deno.test("redactText() takes time in proportion to the text, whatever it looks like", () => {
  const many = (part: string) => part.repeat(1_000_000 / part.length);
  const texts = [
    `${many("a")} @`,
    many("a@"),
    many("a@b."),
    many("eyJ-"),
    many("eyJa.-"),
    `${many("w")}://u:${many("p")}`,
    many("w://u:p"),
    `bearer${many(" ")}`,
    many("bearer "),
    many("?key=&"),
    many("sb_secret_"),
  ];
  const startedAt = performance.now();
  for (const text of texts) assert.ok(redactText(text).length <= 2_001);
  // Milliseconds each; minutes where the square of a million counts.
  assert.ok(performance.now() - startedAt < 20_000);
});

Deno.test("a field named __proto__ is a field like any other", () => {
  const fields = JSON.parse('{"__proto__": {"password": "s3cr3t"}, "page": 1}');
  const copy = JSON.stringify(redact(fields));
  assert.equal(copy, '{"__proto__":{"password":"[redacted]"},"page":1}');
});
