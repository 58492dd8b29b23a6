import assert from "node:assert/strict";
import { makeTable, watch } from "./row_changes.ts";
import { Project } from "./project.ts";

Deno.test("values arrive as the data API would write them", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const table = await makeTable(project, {
    columns: `id bigint primary key, flag boolean, amount numeric(10, 2), ratio float8,
      at timestamptz, local timestamp, day date, key uuid, doc jsonb, words text[], numbers int4[],
      bytes bytea, nothing text, mood text`,
  });
  const inbox = await watch(await project.client({ token: await project.token("x") }), { table });
  const key = crypto.randomUUID();

  await sql`insert into ${sql(table)} values (
    42, true, 1.50, 0.25, '2026-01-02 03:04:05.678+02', '2026-01-02 03:04:05', '2026-01-02', ${key},
    '{"a": [1, null]}', '{plain,"with, comma","with \\"quotes\\"",NULL}', '{1,2}',
    decode('00ff', 'hex'), null, E'line\nbreak "quoted" ✓'
  )`;

  const change = await inbox.first();
  assert.deepEqual(change.new, {
    id: 42,
    flag: true,
    amount: 1.5,
    ratio: 0.25,
    at: "2026-01-02T01:04:05.678+00:00",
    local: "2026-01-02T03:04:05",
    day: "2026-01-02",
    key,
    doc: { a: [1, null] },
    words: ["plain", "with, comma", 'with "quotes"', null],
    numbers: [1, 2],
    bytes: "\\x00ff",
    nothing: null,
    mood: 'line\nbreak "quoted" ✓',
  });
});

const rows = [
  { id: 1, name: "alpha", price: "1.50" },
  { id: 2, name: "beta", price: "20" },
  { id: 3, name: "it's, (odd)", price: null },
];

const filters: [filter: string, ids: number[]][] = [
  ["id=eq.2", [2]],
  ["id=neq.2", [1, 3]],
  ["id=lt.2", [1]],
  ["id=lte.2", [1, 2]],
  ["id=gt.2", [3]],
  ["id=gte.2", [2, 3]],
  ["id=in.(1,3)", [1, 3]],
  ["name=eq.beta", [2]],
  ['name=in.(alpha,"it\'s, (odd)")', [1, 3]],
  // Numbers are compared as numbers, not as text.
  ["price=eq.1.5", [1]],
  ["price=gt.9", [2]],
  ["price=neq.20", [1]],
  ["price=is.null", [3]],
  ["price=not.is.null", [1, 2]],
  ["name=like.%a", [1, 2]],
  ["name=ilike.ALPHA", [1]],
  ["name=match.^b", [2]],
  ["name=not.in.(alpha)", [2, 3]],
  ["id=gt.1,name=eq.beta", [2]],
];

Deno.test("filters choose rows by their columns", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const table = await makeTable(project, {
    columns: "id int primary key, name text, price numeric",
  });
  const client = await project.client({ token: await project.token("x") });
  const inboxes = await Promise.all(filters.map(([filter]) => watch(client, { table, filter })));
  const all = await watch(client, { table });

  await sql`insert into ${sql(table)} ${sql(rows)}`;

  await all.count(rows.length);
  for (const [i, [filter, ids]] of filters.entries()) {
    assert.deepEqual(inboxes[i]?.all.map((change) => change.new.id), ids, filter);
  }
});
