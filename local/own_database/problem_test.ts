import { equal, match, ok } from "node:assert/strict";
import { asRole, parseDatabaseUrl, unreachableSentence, withoutPassword } from "./database_url.ts";
import { planExtensions } from "./extension_plan.ts";
import { problemWith, realtimeAdvice } from "./problem.ts";
import type { OfferedExtension, ServerFacts } from "./server_facts.ts";
import { plainSql } from "./stand_in_sql.ts";

const claimant = { stack: "mine", folder: "/state/mine" };

function offers(...names: string[]): OfferedExtension[] {
  const contrib = ["pgcrypto", "pg_trgm", "btree_gin", "uuid-ossp", "pg_stat_statements"];
  return [...contrib, ...names].map((name) => ({ name, version: "1.0", schema: null }));
}

const well: ServerFacts = {
  version: 150_018,
  versionText: "15.18",
  database: "streamvibe",
  encoding: "UTF8",
  role: "postgres",
  isSuperuser: true,
  walLevel: "logical",
  preloaded: [""],
  cronDatabase: null,
  offered: offers(),
  postgres: "superuser",
  contents: [],
  claim: null,
};

const withCron = { preloaded: ["pg_cron"], offered: offers("pg_cron") };

const cases: [string, Partial<ServerFacts>, RegExp | null][] = [
  ["an empty database", {}, null],
  ["its own database", { claim: { ...claimant }, contents: ["public.job_queue"] }, null],
  ["PostgreSQL 14", { version: 140_012, versionText: "14.12" }, /14\.12 is too old.*15/],
  ["a plain role", { isSuperuser: false, role: "app" }, /app is no superuser/],
  ["another superuser beside postgres", { role: "admin" }, /give its URL instead of that of admin/],
  ["another superuser alone", { role: "admin", postgres: "absent" }, null],
  ["Latin 1", { encoding: "LATIN1" }, /LATIN1.*UTF8/],
  [
    "somebody's tables",
    { contents: ["public.a", "public.b"] },
    /not empty \(public\.a, public\.b\)/,
  ],
  [
    "another stack's database",
    { claim: { stack: "other", folder: "/state/other" } },
    /belongs to the stack "other" \(\/state\/other\)/,
  ],
  ["no contrib", { offered: [] }, /lacks the extension pgcrypto.*contrib/],
  [
    "pgcrypto elsewhere",
    { offered: offers().map((one) => ({ ...one, schema: "public" })) },
    /pgcrypto is in schema public.*set schema extensions/,
  ],
  ["pg_cron in this database", { ...withCron, cronDatabase: "streamvibe" }, null],
  [
    "pg_cron in another database",
    { ...withCron, cronDatabase: "postgres" },
    /one database only.*"postgres".*cron\.database_name = 'streamvibe'.*--stand-in=pg_cron/,
  ],
  [
    "pg_cron and pg_net not loaded",
    { offered: offers("pg_cron", "pg_net") },
    /pg_cron and pg_net.*shared_preload_libraries.*--stand-in=pg_cron --stand-in=pg_net/,
  ],
];

for (const [what, facts, expected] of cases) {
  Deno.test(`--db-url: ${what} is ${expected ? "refused in one sentence" : "fine"}`, () => {
    const server = { ...well, ...facts };
    const problem = problemWith(server, planExtensions(server, []), claimant);
    if (!expected) return equal(problem, null);
    match(problem ?? "", expected);
    match(problem ?? "", /^[A-Zp][^\n]+\.$/);
  });
}

Deno.test("--stand-in plays what the server has but may not be used", () => {
  const server = { ...well, ...withCron, cronDatabase: "postgres" };
  const plan = planExtensions(server, ["pg_cron"]);
  ok(plan.played.includes("pg_cron"));
  equal(problemWith(server, plan, claimant), null);
});

Deno.test("a server that keeps too little log is told so, and how to keep more", () => {
  equal(realtimeAdvice(well), null);
  match(realtimeAdvice({ walLevel: "replica" }) ?? "", /replica.*alter system set wal_level/);
});

Deno.test("a URL is completed as psql does, and never shown with its password", () => {
  const url = parseDatabaseUrl("postgres://app:s%40fe@db.example");
  equal(url.href, "postgres://app:s%40fe@db.example:5432/app");
  equal(withoutPassword(url), "postgres://app@db.example:5432/app");
  equal(asRole(url, "postgres", "a:b"), "postgres://postgres:a%3Ab@db.example:5432/app");
  for (const text of ["", "localhost:5432", "mysql://localhost/app"]) {
    let said = "";
    try {
      parseDatabaseUrl(text);
    } catch (error) {
      said = String(error);
    }
    match(said, /--db-url takes the URL/);
  }
});

Deno.test("why a database cannot be reached is one sentence without the password", () => {
  const url = parseDatabaseUrl("postgresql://app:secret@127.0.0.1:9/shop");
  const say = (code: string) => unreachableSentence(url, Object.assign(new Error("no"), { code }));
  match(say("ECONNREFUSED"), /^The database .*:9\/shop cannot be used: nothing listens there/);
  match(say("3D000"), /there is no database "shop".*createdb shop/);
  match(say("28P01"), /refuses the password of role app/);
  match(say("whatever"), /: no\.$/);
  for (const code of ["ECONNREFUSED", "28P01", "x"]) ok(!say(code).includes("secret"));
});

Deno.test("plainSql() leaves nothing that only create extension understands", () => {
  const text = plainSql([
    '\\echo Use "CREATE EXTENSION"',
    "select @extschema:pgcrypto@.hmac('a', 'b', 'sha256');",
    "select pg_catalog.pg_extension_config_dump('cron.job', '');",
  ].join("\n"));
  equal(text.trim(), "select extensions.hmac('a', 'b', 'sha256');");
});
