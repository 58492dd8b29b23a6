import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { repositoryRoot } from "../stack/paths.ts";
import { giveBack } from "./give_back.ts";
import { claimDatabase } from "./notes.ts";
import { findInstalledServer, TestServer } from "./test_server.ts";

const installed = await findInstalledServer();
const claimant = { stack: "settings", folder: "/nowhere" };

/** What the first migration does about JIT, as it stands there: for the database, or else for postgres. */
async function switchesOff(): Promise<{ database: string; role: string }> {
  const file = join(repositoryRoot, "supabase/migrations/20260101000000_base_core.sql");
  const [block, role] = (await Deno.readTextFile(file))
    .match(/do \$\$\nbegin\n {2}execute format\('alter database[^]*?(alter role .*;)[^]*?\$\$;/) ??
    [];
  assert(block && role, "the first migration switches JIT off");
  return { database: block, role };
}

/** Claims a database, has something done there as migrations and its owner do, and resets it. */
async function live(server: TestServer, ...work: string[]): Promise<void> {
  const url = server.url("mine");
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  await claimDatabase(admin, claimant);
  // Without anything made there would be nothing to drop.
  for (const text of [...work, "create schema made"]) await admin.unsafe(text).simple();
  await claimDatabase(admin, claimant);
  await admin.end();
  const own = { url, api_password: "", postgres_password: "" };
  assert.equal(await giveBack(own, claimant, { confirmed: "mine", tell: () => {} }), true);
}

Deno.test({
  name: installed
    ? "a reset gives the database and role postgres their own JIT setting back"
    : "NOT CHECKED, as no PostgreSQL server is installed: a reset gives JIT settings back",
  ignore: !installed,
  async fn() {
    await using server = await TestServer.start(installed!, []);
    await server.query("create database mine");
    const { database, role } = await switchesOff();
    const settings = async () =>
      (await server.query(`
        select coalesce(datname, rolname::text) || ' ' || setconfig::text as line
        from pg_db_role_setting
        left join pg_database on pg_database.oid = setdatabase
        left join pg_roles on pg_roles.oid = setrole
        order by 1`)).map(({ line }) => line);

    await live(server, database, role);
    assert.deepEqual(await settings(), [], "none");
    for (const jit of ["on", "off"]) {
      await server.query(`alter database mine set jit = ${jit}`);
      await server.query("alter role postgres set jit = on");
      await live(server, database, role);
      assert.deepEqual(await settings(), [`mine {jit=${jit}}`, "postgres {jit=on}"]);
    }
    await live(server, database, "alter database mine set jit = on");
    assert.deepEqual(await settings(), ["mine {jit=on}", "postgres {jit=on}"], "or a later one");
  },
});
