import assert from "node:assert/strict";
import { createClient, FunctionsFetchError, FunctionsHttpError } from "@supabase/supabase-js";
import { publishableKey, startGateway } from "./testing.ts";

interface Seen {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

Deno.test("the official client and functions", async (t) => {
  await using gateway = await startGateway({ limits: { cpuMs: 60_000 } });
  const { functions } = createClient(gateway.url, publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  type Options = NonNullable<Parameters<typeof functions.invoke>[1]>;
  const echo = async (options: Options, path = "echo"): Promise<Seen> => {
    const { data, error } = await functions.invoke<Seen>(path, options);
    assert.equal(error, null);
    return data!;
  };

  await t.step("every kind of body arrives with its content type", async () => {
    const form = new FormData();
    form.append("name", "value");
    const bodies: [Options["body"], RegExp, RegExp][] = [
      [{ a: 1 }, /^application\/json$/, /^{"a":1}$/],
      ["plain", /^text\/plain/, /^plain$/],
      [new TextEncoder().encode("bytes").buffer, /^application\/octet-stream$/, /^bytes$/],
      [new Blob(["blob"]), /^application\/octet-stream$/, /^blob$/],
      [form, /^multipart\/form-data; boundary=/, /name="name"\r\n\r\nvalue/],
    ];
    for (const [body, type, text] of bodies) {
      const seen = await echo({ body });
      assert.match(seen.headers["content-type"] ?? "", type);
      assert.match(seen.body, text);
    }
  });

  await t.step("method, query, headers and region arrive", async () => {
    const seen = await echo(
      { method: "GET", headers: { "x-own": "mine" }, region: "eu-west-1" as never },
      "echo/deep?a=b",
    );
    assert.equal(seen.method, "GET");
    assert.equal(seen.headers["x-own"], "mine");
    assert.equal(seen.headers["x-region"], "eu-west-1");
    const url = new URL(seen.path, gateway.url);
    assert.deepEqual([url.pathname, url.searchParams.get("a")], ["/echo/deep", "b"]);
    for (const method of ["PUT", "PATCH", "DELETE"] as const) {
      assert.equal((await echo({ method, body: {} })).method, method);
    }
  });

  await t.step("what is not 2xx is an error with the response", async () => {
    const { data, error } = await functions.invoke("throws");
    assert.ok(error instanceof FunctionsHttpError);
    assert.equal(data, null);
    assert.equal(error.context.status, 500);
    const missing = await functions.invoke("nothing");
    assert.equal(await missing.error.context.text(), "Function not found");
  });

  await t.step("a stream is handed over as it comes", async () => {
    const { data, response } = await functions.invoke("stream");
    assert.equal(response?.headers.get("content-type"), "text/event-stream");
    const reader = data.body.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "line 1\n");
    while (!(await reader.read()).done);
  });

  await t.step("who gives up gets an error", async () => {
    const { error } = await functions.invoke("endless", { timeout: 200 });
    assert.ok(error instanceof FunctionsFetchError);
    const stuck = gateway.functions.live().endless;
    if (stuck) Deno.kill(stuck.pid, "SIGKILL");
  });

  await t.step("preflights are the function's to answer", async () => {
    const response = await fetch(`${gateway.url}/functions/v1/echo`, {
      method: "OPTIONS",
      headers: { origin: "https://a.example", "access-control-request-method": "POST" },
    });
    assert.equal(response.headers.get("access-control-allow-origin"), "https://only.example");
    assert.equal((await response.json()).method, "OPTIONS");
  });
});
