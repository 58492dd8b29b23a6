import assert from "node:assert/strict";
import { explain } from "./pgtap.ts";

Deno.test("a pgTAP file that an error ends is reported with all that the server says of it", () => {
  const error = {
    message: "duplicate key",
    code: "23505",
    position: "12",
    detail: "Key (id)=(1) already exists.",
    hint: "",
    where: "SQL statement\nPL/pgSQL function f()",
  };
  assert.equal(
    explain(error, "select 1;\nselect f();"),
    `duplicate key (SQLSTATE 23505, line 2 of the expanded file)
      # detail: Key (id)=(1) already exists.
      # where: SQL statement
      # PL/pgSQL function f()`,
  );
});
