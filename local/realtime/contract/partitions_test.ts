import assert from "node:assert/strict";
import { makeTable, watch } from "./row_changes.ts";
import { Project } from "./project.ts";

Deno.test("the rows of a partitioned table are not told, though it can be subscribed to", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const plain = await makeTable(project, { columns: "id int primary key" });
  const parted = `contract_${crypto.randomUUID().slice(0, 8)}`;
  await project.during(
    `create table public.${parted} (id int primary key) partition by range (id);
      create table public.${parted}_low partition of public.${parted} for values from (0) to (10);
      grant select on public.${parted} to authenticated;
      alter publication supabase_realtime add table public.${parted};`,
    `drop table public.${parted}`,
  );
  const token = await project.token("x");
  const inbox = await watch(await project.client({ token }), { table: parted }, { table: plain });

  await sql`insert into ${sql(parted)} values (1)`;
  await sql`insert into ${sql(plain)} values (2)`;

  await inbox.first(({ table }) => table === plain);
  assert.deepEqual(inbox.all.map(({ table }) => table), [plain]);
});
