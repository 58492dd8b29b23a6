import { deepEqual } from "node:assert/strict";
import { splitStatements } from "./split_statements.ts";

const cases: { title: string; sql: string; statements: string[] }[] = [
  {
    title: "semicolons separate, and the last one may be missing",
    sql: "select 1;\n\nselect 2 ;;\nselect 3",
    statements: ["select 1", "select 2", "select 3"],
  },
  {
    title: "strings, quoted names and their doubled quotes are opaque",
    sql: `select 'a;''b;' as "c;""d";select E'it\\'s;'`,
    statements: [`select 'a;''b;' as "c;""d"`, "select E'it\\'s;'"],
  },
  {
    title: "comments stay with the statement they precede",
    sql: "-- first; thing\nselect 1; /* a; /* nested; */ b; */ select 2;",
    statements: ["-- first; thing\nselect 1", "/* a; /* nested; */ b; */ select 2"],
  },
  {
    title: "dollar bodies are opaque, with and without a tag; $1 opens none",
    sql: "do $$ begin; end $$; create function f() as $body$ a; $$ b; $body$; select $1; select 2",
    statements: [
      "do $$ begin; end $$",
      "create function f() as $body$ a; $$ b; $body$",
      "select $1",
      "select 2",
    ],
  },
  {
    title: "semicolons in parentheses and in an atomic body do not separate",
    sql:
      "create rule r as on insert to t do (select 1; select 2);\ncreate function f() returns int begin atomic; select case when true then 1 end; end;\nselect 3",
    statements: [
      "create rule r as on insert to t do (select 1; select 2)",
      "create function f() returns int begin atomic; select case when true then 1 end; end",
      "select 3",
    ],
  },
  {
    title: "a plain begin and a column named atomic mean nothing special",
    sql: "begin; select atomic from t; end; select 1",
    statements: ["begin", "select atomic from t", "end", "select 1"],
  },
];

for (const { title, sql, statements } of cases) {
  Deno.test(`splitStatements(): ${title}`, () => deepEqual(splitStatements(sql), statements));
}
