import assert from "node:assert/strict";
import { shortWay } from "./short_way.ts";

const asked: [string, RequestInit | undefined][] = [];
const fetch = shortWay((input, init) => {
  asked.push([input instanceof Request ? input.url : String(input), init]);
  return Promise.resolve(new Response());
}, { supabaseUrl: "http://127.0.0.1:1", dataApiUrl: "http://127.0.0.1:2" });

async function wayOf(input: string | Request, init?: RequestInit): Promise<string | undefined> {
  asked.length = 0;
  await fetch(input, init);
  assert.deepEqual(asked.map(([, given]) => given), [init]);
  return asked[0]?.[0];
}

Deno.test("what a function asks of the data API goes there directly, as it is", async () => {
  const init = { method: "POST", headers: { authorization: "Bearer a.b.c" }, body: "{}" };
  assert.equal(
    await wayOf("http://127.0.0.1:1/rest/v1/rpc/x?a=b", init),
    "http://127.0.0.1:2/rest/v1/rpc/x?a=b",
  );
});

Deno.test("everything else goes the way it says", async () => {
  for (
    const url of [
      "http://127.0.0.1:1/auth/v1/user",
      "http://127.0.0.1:1/functions/v1/x",
      "http://127.0.0.1:1/rest/v1",
      "http://127.0.0.1:11/rest/v1/x",
      "https://example.com/?http://127.0.0.1:1/rest/v1/x",
    ]
  ) assert.equal(await wayOf(url), url);
  const asRequest = new Request("http://127.0.0.1:1/rest/v1/x");
  assert.equal(await wayOf(asRequest), asRequest.url);
});

Deno.test("a key that is no token goes by the front door, which takes it out", async () => {
  const url = "http://127.0.0.1:1/rest/v1/x";
  assert.equal(await wayOf(url, { headers: { Authorization: "Bearer sb_secret_x" } }), url);
});
