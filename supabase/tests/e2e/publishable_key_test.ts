/** What the publishable key alone opens: it stands in every frontend, so everybody has it. */
import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { inDatabase } from "./personal_data.ts";

const stack = await readStack();

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${stack.api_url}/rest/v1/${path}`, {
    ...init,
    headers: { apikey: stack.publishable_key, "content-type": "application/json" },
  });
  return { status: response.status, body: await response.json().catch(() => null) };
}

Deno.test("the publishable key alone reads the catalogues, and of the rest it changes and reads nothing", async () => {
  const tables = await inDatabase(stack, (sql) =>
    sql<{ name: string; key: string }[]>`
    select relation.relname as name, min(attribute.attname) as key
    from pg_class as relation
    join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
      and not attribute.attisdropped
    where relation.relnamespace = 'public'::regnamespace and relation.relkind in ('r', 'p', 'v', 'm')
      and not relation.relispartition
    group by relation.relname order by relation.relname collate "C"`);
  assert.ok(tables.length > 15, `${tables.length} tables`);
  const read: string[] = [];
  const refused = [401, "42501"];
  for (const { name, key } of tables) {
    const seen = await ask(`${name}?limit=1`);
    if (seen.status === 200) read.push(name);
    else assert.deepEqual([seen.status, seen.body.code], refused, name);
    for (const method of ["POST", "PATCH", "DELETE"]) {
      const body = method === "DELETE" ? undefined : JSON.stringify({ [key]: null });
      const path = method === "POST" ? name : `${name}?${key}=is.null`;
      const answer = await ask(path, { method, body });
      assert.deepEqual([answer.status, answer.body?.code], refused, `${method} ${name}`);
    }
  }
  assert.deepEqual(read, [
    "account_status",
    "content_type",
    "platform",
    "subscription_status",
    "subscription_tier",
  ]);
});

Deno.test("the publishable key alone calls no function of the database", async () => {
  const functions = await inDatabase(stack, (sql) =>
    sql<{ name: string; names: string[] }[]>`
    select proname as name, coalesce(proargnames[1:pronargs], '{}') as names
    from pg_proc
    where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype
    order by proname collate "C"`);
  assert.ok(functions.length > 50, `${functions.length} functions`);
  for (const { name, names } of functions) {
    const body = JSON.stringify(Object.fromEntries(names.map((argument) => [argument, null])));
    const answer = await ask(`rpc/${name}`, { method: "POST", body });
    assert.deepEqual([answer.status, answer.body?.code], [401, "42501"], name);
  }
});
