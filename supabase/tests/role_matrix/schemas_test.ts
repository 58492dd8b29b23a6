/** What pgTAP cannot show: over HTTP, no key opens a schema other than `public`. */
import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { readStack } from "../../../local/stack/client.ts";
import { Person } from "../e2e/person.ts";

/** One table and one function of every schema that holds something worth having. */
const closed = [
  ["private", "job_setting", "recover_lost_jobs"],
  ["vault", "decrypted_secrets", "create_secret"],
  ["net", "http_request_queue", "http_post"],
  ["cron", "job", "schedule"],
  ["realtime", "messages", "send"],
  ["auth", "users", "uid"],
  ["extensions", "pg_stat_statements", "gen_random_uuid"],
  ["supabase_migrations", "schema_migrations", "x"],
  ["pg_catalog", "pg_authid", "pg_read_file"],
] as const;

Deno.test("no key reaches a schema other than public through the data API", async () => {
  const stack = await readStack();
  const user = await Person.signUp(stack);
  const keys = {
    anon: { apikey: stack.publishable_key },
    user: { apikey: stack.publishable_key, authorization: `Bearer ${user.token}` },
    service: { apikey: stack.secret_key },
  };
  const ask = async (key: keyof typeof keys, path: string, schema: string, method = "GET") => {
    const response = await fetch(`${stack.api_url}/rest/v1/${path}`, {
      method,
      headers: {
        ...keys[key],
        "content-type": "application/json",
        "accept-profile": schema,
        "content-profile": schema,
      },
      ...(method === "POST" && { body: "{}" }),
    });
    return { status: response.status, body: await response.text() };
  };

  for (const key of Object.keys(keys) as (keyof typeof keys)[]) {
    const open = await ask(key, "platform?select=name", "public");
    assert.equal(open.status, 200, `${key} reads a catalogue of public: ${open.body}`);
    for (const [schema, table, name] of closed) {
      for (
        const [path, method] of [[table, "GET"], [table, "POST"], [`rpc/${name}`, "POST"]] as const
      ) {
        const { status, body } = await ask(key, path, schema, method);
        assert.ok(
          status === 406 || status === 404,
          `${key} ${method} ${schema}.${path}: ${status} ${body}`,
        );
      }
    }
  }
});

Deno.test("the hosted data API is told to serve public and nothing else", async () => {
  const file = new URL("../../config.toml", import.meta.url);
  const config = parse(await Deno.readTextFile(file)) as { api: { schemas: string[] } };
  assert.deepEqual(config.api.schemas, ["public"]);
});
