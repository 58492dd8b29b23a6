import assert from "node:assert/strict";
import postgres from "postgres";
import { createClient } from "@supabase/supabase-js";
import type { Database } from "../../functions/_shared/database.types.ts";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { accountWith, addFault } from "./simulator.ts";

/** Every stored row of every table, as text, that contains one of the needles. */
async function rowsWith(adminUrl: string, needles: string[]): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`;
    assert.ok(tables.length > 20, "there are tables to search");
    const found: string[] = [];
    for (const { name } of tables) {
      const [hits] = await sql.unsafe<{ count: number }[]>(
        `select count(*)::int as count from ${name} as t where t::text like any ($1)`,
        [needles.map((needle) => `%${needle}%`)],
      );
      if (hits!.count > 0) found.push(`${name}: ${hits!.count}`);
    }
    return found;
  } finally {
    await sql.end();
  }
}

async function filesWith(folder: string, needles: string[]): Promise<string[]> {
  const found: string[] = [];
  let searched = 0;
  for await (const entry of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${entry.name}`);
    searched += text.length;
    if (needles.some((needle) => text.includes(needle))) found.push(entry.name);
  }
  assert.ok(searched > 1_000, "there are log lines to search");
  return found;
}

Deno.test("no provider token stands in any table, log line, response or error", async () => {
  const stack = await readStack();
  const creator = await Person.signUp(stack);
  const account = accountWith(100);
  const socialAccount = await creator.connectYouTube(account);
  const service = createClient<Database>(stack.api_url, stack.secret_key, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const tokens = async () => {
    const { data } = await service
      .rpc("get_connection_tokens", { p_social_account_id: socialAccount })
      .single().throwOnError();
    return [data.access_token, data.refresh_token];
  };
  const first = await tokens();
  await addFault(stack, account, { kind: "expired_token", path: "/youtube/v3/videos" });
  const id = await creator.startSync();
  const job = await creator.waitForJob(id, ended);
  assert.equal(job.status, "completed", "an expired token is refreshed once");

  const needles = [...new Set([...first, ...await tokens()])];
  const responses = JSON.stringify([
    await creator.call(`job-status?job_id=${id}`),
    await creator.client.from("platform_connection").select("*"),
    await creator.client.from("social_account").select("*"),
    await creator.client.from("job_log").select("*"),
  ]);

  assert.equal(needles.length, 3, "two access tokens and a refresh token to look for");
  assert.ok(needles.every((needle) => needle.length >= 20));
  assert.deepEqual(await rowsWith(stack.admin_db_url, needles), []);
  assert.deepEqual(await filesWith(`${stack.state_dir}/logs`, needles), []);
  assert.ok(needles.every((needle) => !responses.includes(needle)));
});
