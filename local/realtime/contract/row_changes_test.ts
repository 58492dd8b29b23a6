import assert from "node:assert/strict";
import { type Change, makeTable, open, owned, watch } from "./row_changes.ts";
import { Inbox, silence } from "./inbox.ts";
import { Project } from "./project.ts";

Deno.test("inserts, updates and deletes arrive in order, with their rows", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, { columns: "id int primary key, note text" });
  const inbox = await watch(await project.client({ token: await project.token("x") }), { table });
  const { sql } = project;

  await sql`insert into ${sql(table)} values (1, 'new')`;
  await sql`update ${sql(table)} set note = 'changed'`;
  await sql`delete from ${sql(table)}`;

  const changes = await inbox.count(3);
  assert.deepEqual(
    changes.map(({ eventType, new: record, old, errors, schema }) => [
      eventType,
      record,
      old,
      errors,
      schema,
    ]),
    [
      ["INSERT", { id: 1, note: "new" }, {}, null, "public"],
      ["UPDATE", { id: 1, note: "changed" }, {}, null, "public"],
      ["DELETE", {}, { id: 1 }, null, "public"],
    ],
  );
  for (const { commit_timestamp } of changes) {
    assert.match(commit_timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

Deno.test("row-level security decides who sees a change, and grants which columns", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, owned);
  const { sql } = project;
  const owner = crypto.randomUUID();
  const mine = await watch(await project.client({ token: await project.token(owner) }), { table });
  const theirs = await watch(
    await project.client({ token: await project.token(crypto.randomUUID()) }),
    { table },
  );
  const service = await watch(await project.client({ key: project.target.secretKey }), { table });

  await sql`insert into ${sql(table)} values (1, ${owner}, 'hello', 'hidden')`;
  await sql`update ${sql(table)} set note = 'again'`;

  await mine.count(2);
  await service.count(2);
  await silence();
  assert.deepEqual(mine.all.map((change) => change.new), [
    { id: 1, owner, note: "hello" },
    { id: 1, owner, note: "again" },
  ]);
  assert.deepEqual(theirs.all, []);
  assert.equal(service.all[0]?.new.secret, "hidden");
});

Deno.test("after a change of token the new user's rows arrive", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, owned);
  const { sql } = project;
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  const client = await project.client({ token: await project.token(first) });
  const inbox = await watch(client, { table });
  await sql`insert into ${sql(table)} values (1, ${first}, '', '')`;
  await inbox.first();

  await project.useToken(client, await project.token(second));
  await silence();
  await sql`insert into ${sql(table)} values (2, ${first}, '', ''), (3, ${second}, '', '')`;

  await inbox.first((change) => change.new.id === 3);
  assert.deepEqual(inbox.all.map((change) => change.new.id), [1, 3]);
});

Deno.test("the old row is its key, or all of it with replica identity full", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const open = await makeTable(project, {
    columns: "id int primary key, note text",
    more: "alter table {table} replica identity full;",
  });
  const guarded = await makeTable(project, {
    ...owned,
    more: `${owned.more} alter table {table} replica identity full;`,
  });
  const user = crypto.randomUUID();
  const inbox = await watch(
    await project.client({ token: await project.token(user) }),
    { table: open },
    { table: guarded },
  );

  for (const table of [open, guarded]) {
    await sql`insert into ${sql(table)} ${
      sql(table === open ? { id: 1, note: "a" } : { id: 1, note: "a", owner: user })
    }`;
    await sql`update ${sql(table)} set note = 'b'`;
    // A row that is gone when its change is delivered cannot be checked, and is not told.
    await inbox.count(table === open ? 2 : 5);
    await sql`delete from ${sql(table)}`;
  }

  const olds = (await inbox.count(6)).map(({ table, eventType, old }) => [
    table === open ? "open" : "guarded",
    eventType,
    old,
  ]);
  assert.deepEqual(olds, [
    ["open", "INSERT", {}],
    ["open", "UPDATE", { id: 1, note: "a" }],
    ["open", "DELETE", { id: 1, note: "b" }],
    ["guarded", "INSERT", {}],
    ["guarded", "UPDATE", { id: 1, note: "a", owner: user }],
    // A deleted row can no longer be checked: only its key is told.
    ["guarded", "DELETE", { id: 1 }],
  ]);
});

Deno.test("each binding gets the events it asked for", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, { columns: "id int primary key, n int" });
  const { sql } = project;
  const token = await project.token("x");
  const inserts = await watch(await project.client({ token }), { table, event: "INSERT" });
  const deletes = await watch(await project.client({ token }), { table, event: "DELETE" });
  const both = await watch(
    await project.client({ token }),
    { table, event: "UPDATE" },
    { table, event: "INSERT", filter: "n=gt.5" },
  );

  await sql`insert into ${sql(table)} values (1, 1), (2, 9)`;
  await sql`update ${sql(table)} set n = 3 where id = 1`;
  await sql`delete from ${sql(table)} where id = 2`;

  await deletes.first();
  await both.count(2);
  assert.deepEqual(inserts.all.map(({ new: { id } }) => id), [1, 2]);
  assert.deepEqual(deletes.all.map(({ old: { id } }) => id), [2]);
  assert.deepEqual(both.all.map(({ eventType, new: { id } }) => [eventType, id]), [
    ["INSERT", 2],
    ["UPDATE", 1],
  ]);
});

Deno.test("what cannot be subscribed to is said in a system message; the channel stays", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, owned);
  const client = await project.client({ token: await project.token("x") });
  const ask = (filter: string, name = table) =>
    open(client, new Inbox<Change>(), [{ table: name, filter }]);

  const missing = await ask("", "no_such_table");
  assert.equal(missing.status, "error");
  assert.match(missing.message, /^Unable to subscribe to changes with given parameters\. Please/);
  assert.match((await ask("nothing=eq.1")).message, /invalid column for filter nothing/);
  assert.match((await ask("secret=eq.1")).message, /invalid column for filter secret/);
  assert.match((await ask("id=eq.one")).message, /invalid input syntax for type integer/);
  assert.match((await ask("id=about.1")).message, /^Error parsing `filter` params/);
  assert.equal((await ask("id=eq.1")).status, "ok");
});

Deno.test("a change that cannot be shown says why", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const keyless = await makeTable(project, {
    columns: "note text",
    more: "alter table {table} enable row level security;",
  });
  const ungranted = await makeTable(project, {
    columns: "id int primary key, note text",
    more: "revoke select on {table} from authenticated;",
  });
  const big = await makeTable(project, { columns: "id int primary key, small text, large text" });
  const inbox = await watch(
    await project.client({ token: await project.token("x") }),
    { table: keyless },
    { table: ungranted },
    { table: big },
  );

  await sql`insert into ${sql(keyless)} values ('x')`;
  await sql`insert into ${sql(ungranted)} values (1, 'x')`;
  await sql`insert into ${sql(big)} values (1, 'kept', repeat('x', 1100000))`;

  const told = (await inbox.count(3)).map(({ errors, new: record }) => [errors, record]);
  assert.deepEqual(told, [
    [["Error 400: Bad Request, no primary key"], {}],
    [["Error 401: Unauthorized"], {}],
    [["Error 413: Payload Too Large"], { id: 1, small: "kept" }],
  ]);
});

Deno.test("a transaction of 2000 rows arrives whole and in order", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, owned);
  const { sql } = project;
  const user = crypto.randomUUID();
  const inbox = await watch(await project.client({ token: await project.token(user) }), { table });
  await sql`
    insert into ${sql(table)}
    select n, ${user}::uuid, 'note', null from generate_series(1, 2000) as n`;
  const ids = (await inbox.count(2000)).map((change) => change.new.id);
  assert.deepEqual(ids, Array.from({ length: 2000 }, (_, i) => i + 1));
});

Deno.test("no change is lost, however soon after its commit it is looked at", async () => {
  await using project = await Project.open();
  const table = await makeTable(project, owned);
  const { sql } = project;
  const user = crypto.randomUUID();
  const inbox = await watch(await project.client({ token: await project.token(user) }), { table });
  for (let id = 1; id <= 300; id++) {
    await sql`insert into ${sql(table)} values (${id}, ${user}, '', '')`;
  }
  const ids = (await inbox.count(300)).map((change) => change.new.id);
  assert.deepEqual(ids, Array.from({ length: 300 }, (_, i) => i + 1));
});
