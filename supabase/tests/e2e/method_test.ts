import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { repositoryRoot } from "../../../local/stack/paths.ts";

/** The functions of this deployment. */
async function functionNames(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${repositoryRoot}/supabase/functions`));
  return entries.filter((one) => one.isDirectory && !one.name.startsWith("_"))
    .map(({ name }) => name).sort();
}

Deno.test("a method that a function does not have is 405 at the gateway, with those it has", async () => {
  const { api_url, publishable_key } = await readStack();
  const names = await functionNames();
  assert.ok(names.includes("health"), "there are functions to ask");
  for (const name of names) {
    const response = await fetch(`${api_url}/functions/v1/${name}`, {
      method: "PATCH",
      headers: { apikey: publishable_key, origin: "https://a.example" },
    });
    const { error } = await response.json();
    assert.deepEqual([name, response.status, error.code], [name, 405, "METHOD_NOT_ALLOWED"]);
    assert.match(response.headers.get("allow") ?? "", /^(GET|POST)\b.*, OPTIONS$/, name);
    assert.equal(response.headers.get("access-control-allow-origin"), "*", name);
  }
});
