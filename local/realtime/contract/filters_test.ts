import assert from "node:assert/strict";
import { makeTable, watch } from "./row_changes.ts";
import { Project } from "./project.ts";

/** Each operator with a value that passes it and one that does not. */
const operators: [filter: string, passes: string | null, fails: string | null][] = [
  ["note=eq.hello", "hello", "other"],
  ["note=neq.other", "hello", "other"],
  ["note=lt.m", "a", "z"],
  ["note=lte.m", "m", "n"],
  ["note=gt.m", "z", "a"],
  ["note=gte.m", "m", "a"],
  ["note=in.(hello,world)", "world", "other"],
  ['note=in.("with, comma",world)', "with, comma", "with"],
  ["note=like.hel%", "hello", "HELLO"],
  ["note=ilike.HEL%", "hello", "other"],
  ["note=is.null", null, "other"],
  ["note=match.^hel+o$", "hello", "hero"],
  ["note=imatch.^HEL", "hello", "other"],
  ["note=isdistinct.other", null, "other"],
  ["note=not.eq.other", "hello", "other"],
  ["note=not.in.(other,world)", "hello", "world"],
  ["note=not.like.oth%", "hello", "other"],
  ["note=not.is.null", "hello", null],
  ["note=gte.b,note=lte.d", "c", "e"],
  ["note=not.is.null,note=ilike.H%,id=gt.0", "hello", "world"],
];

Deno.test("every operator decides on inserts, updates and deletes alike", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const table = await makeTable(project, {
    columns: "id int primary key, note text",
    more: "alter table {table} replica identity full;",
  });
  const client = await project.client({ token: await project.token(crypto.randomUUID()) });
  const all = await watch(client, { table });
  const inboxes = await Promise.all(operators.map(([filter]) => watch(client, { table, filter })));

  let expected = 0;
  for (const [i, [filter, passes, fails]] of operators.entries()) {
    const [good, bad] = [2 * i + 1, 2 * i + 2];
    await sql`insert into ${sql(table)} values (${good}, ${passes}), (${bad}, ${fails})`;
    await sql`update ${sql(table)} set note = note where id in (${good}, ${bad})`;
    await sql`delete from ${sql(table)} where id in (${good}, ${bad})`;
    await all.count(expected += 6);
    const told = inboxes[i]!.all
      .map(({ eventType, new: row, old }) => [eventType, row.id ?? old.id])
      .filter(([, id]) => id === good || id === bad);
    assert.deepEqual(told, ["INSERT", "UPDATE", "DELETE"].map((event) => [event, good]), filter);
  }
});

Deno.test("select chooses the columns that are sent, with or without a filter on others", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const table = await makeTable(project, {
    columns: "id int primary key, name text, large text",
    more: "alter table {table} replica identity full;",
  });
  const client = await project.client({ token: await project.token(crypto.randomUUID()) });
  const some = await watch(client, { table, select: ["id", "name"] });
  const filtered = await watch(client, { table, select: ["id"], filter: "name=eq.b" });
  await assert.rejects(
    watch(client, { table, select: ["id", "nothing"] }),
    /invalid column for filter nothing/,
  );

  await sql`insert into ${sql(table)} values (1, 'a', 'x'), (2, 'b', 'y')`;
  await sql`update ${sql(table)} set large = 'z' where id = 1`;
  await sql`delete from ${sql(table)} where id = 1`;

  const told = (await some.count(4)).map(({ eventType, new: row, old }) => [eventType, row, old]);
  assert.deepEqual(told, [
    ["INSERT", { id: 1, name: "a" }, {}],
    ["INSERT", { id: 2, name: "b" }, {}],
    ["UPDATE", { id: 1, name: "a" }, { id: 1, name: "a" }],
    ["DELETE", {}, { id: 1, name: "a" }],
  ]);
  assert.deepEqual(filtered.all.map(({ new: row }) => row), [{ id: 2 }]);
});

Deno.test("a table that is published later can be subscribed to then; one that is dropped is quiet", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, { columns: "id int primary key" });
  const client = await project.client({ token: await project.token(crypto.randomUUID()) });
  await project.sql`alter publication supabase_realtime drop table ${project.sql(table)}`;
  await assert.rejects(watch(client, { table }), /Please check Realtime is enabled/);
  await project.sql`alter publication supabase_realtime add table ${project.sql(table)}`;
  const inbox = await watch(client, { table });
  await project.sql`insert into ${project.sql(table)} values (1)`;
  assert.equal((await inbox.first()).new.id, 1);
  await project.sql`truncate ${project.sql(table)}`;
  await project.sql`alter table ${project.sql(table)} add column more text default 'm'`;
  await project.sql`insert into ${project.sql(table)} values (2)`;
  const [, second] = await inbox.count(2);
  assert.deepEqual(second?.new, { id: 2, more: "m" });
});
