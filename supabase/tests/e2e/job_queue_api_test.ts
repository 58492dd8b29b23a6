/** Keeps docs/JOB_QUEUE_API.md true: what it lists is there, and what is there it lists. */
import assert from "node:assert/strict";
import { parse } from "smol-toml";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const repo = new URL("../../../", import.meta.url);
const doc = await Deno.readTextFile(new URL("docs/JOB_QUEUE_API.md", repo));

const ABOUT_JOBS = /job|queue|worker|heartbeat|children/;

/** The text below a heading, up to the next one. */
function section(heading: string): string {
  const [, text] = doc.split(`\n${heading}\n`);
  assert.ok(text, `the document has "${heading}"`);
  return text.split(/\n#+ /)[0]!;
}

/** `name(p_one, p_two)` at the beginning of a table's row. */
const listedFunctions = (text: string) =>
  [...text.matchAll(/^\| `(\w+\([^)]*\))`/gm)].map(([, signature]) => signature!);

Deno.test("the API document lists every job function with its arguments, for who may call it", async () => {
  const sql = postgres((await readStack()).db_url, { max: 1, onnotice: () => {} });
  const functions = await sql<{ name: string; signature: string; is_for_owners: boolean }[]>`
    select proname as name,
      proname || '(' || coalesce(array_to_string(proargnames[1:pronargs], ', '), '') || ')' as signature,
      has_function_privilege('authenticated', oid, 'execute') as is_for_owners
    from pg_proc
    where pronamespace = 'public'::regnamespace and prokind = 'f'`;
  await sql.end();
  const ours = functions.filter(({ name }) => ABOUT_JOBS.test(name));
  const signatures = (forOwners: boolean) =>
    ours.filter((known) => known.is_for_owners === forOwners).map((known) => known.signature)
      .sort();

  const forOwners = listedFunctions(section("### For owners"));
  const forService = [
    ...listedFunctions(section("### For workers")),
    ...listedFunctions(section("### For operators and other services")),
  ];

  assert.deepEqual(forOwners.sort(), signatures(true));
  assert.deepEqual(forService.sort(), signatures(false));
});

Deno.test("the API document lists every endpoint about jobs, and health", async () => {
  const config = parse(await Deno.readTextFile(new URL("supabase/config.toml", repo)));
  const served = Object.keys(config.functions as object)
    .filter((name) => /^job-(?!processor)|^health$/.test(name));

  const listed = [...section("## Endpoints").matchAll(/^\| `(?:GET|POST) ([\w-]+)`/gm)];

  assert.deepEqual(listed.map(([, name]) => name).sort(), served.sort());
});

Deno.test("the API document names the limits on requests that hold", async () => {
  const sql = postgres((await readStack()).admin_db_url, { max: 1, onnotice: () => {} });
  const listed = [
    ...section("## Endpoints").matchAll(/^\| `(?:GET|POST) ([\w-]+)`.*\| (\d+) \/ h +\|$/gm),
  ];
  assert.equal(listed.length, 5);
  for (const [, name, limit] of listed) {
    const [rule] = await sql<{ max_requests: number; per: string }[]>`
      select max_requests, per::text from private.rate_limit
      where function_name in (${name!}, '*') and caller = 'user'
      order by function_name = '*' limit 1`;
    assert.deepEqual([rule?.max_requests, rule?.per], [Number(limit), "01:00:00"], name);
  }
  await sql.end();
});

Deno.test("the API document lists every status and every check of health", async () => {
  const stack = await readStack();
  const rowsOf = (text: string) => [...text.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name!);
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const [trigger] = await sql<{ source: string }[]>`
    select prosrc as source from pg_proc where proname = 'tg_job_queue__after_insert'`;
  await sql.end();
  // One branch for each status, and no other: else it is false.
  const [rule] = /case job\.status\n[^]*?else false/.exec(trigger!.source)!;
  const statuses = [...rule.matchAll(/when '(\w+)' then/g)].map(([, status]) => status);
  assert.deepEqual(rowsOf(section("## Statuses")), statuses);

  const health = await (await fetch(`${stack.api_url}/functions/v1/health`)).json();
  assert.deepEqual(rowsOf(section("### What `health` says")), Object.keys(health.checks));
});

Deno.test("the API document shows a job with the fields that it has", async () => {
  const shown = JSON.parse(/```json\n([^]*?)```/.exec(doc)![1]!);
  const { describeJob } = await import("../../functions/job-status/describe_job.ts");
  type Rows = Parameters<typeof describeJob>[0];
  const time = "2026-01-01T00:00:00Z";
  const times = { created_at: time, scheduled_for: time, updated_at: time };
  const job = { ...times, started_at: null, completed_at: null } as Rows["job"];
  const child = { dedupe_key: "key:tiktok" } as Rows["children"][number];
  const said = describeJob({ job, batch: {} as Rows["batch"], children: [child] }, Date.now());

  assert.deepEqual(Object.keys(shown), Object.keys(said));
  assert.deepEqual(Object.keys(shown.children), Object.keys(said.children!));
  assert.deepEqual(Object.keys(shown.children.items[0]), Object.keys(said.children!.items[0]!));
});
