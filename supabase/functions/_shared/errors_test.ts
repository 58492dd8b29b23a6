import assert from "node:assert/strict";
import { AppError, errors, isErrorCode } from "./errors.ts";

interface Entry {
  code: string;
  status: number;
  message: string;
}

const ours: Entry[] = Object.entries(errors).map(([code, entry]) => ({ code, ...entry }));

Deno.test("the catalogue equals private.error_code as the migrations fill it", async () => {
  assert.deepEqual(byCode(await readMigrations()), byCode(ours));
});

Deno.test("the catalogue equals the table of docs/ERRORS.md", async () => {
  const text = await Deno.readTextFile(new URL("../../../docs/ERRORS.md", import.meta.url));
  const rows = text.matchAll(/^\| `([A-Z_]+)`\s* \| (\d{3})\s* \| (.+?)\s* \|$/gm);
  const documented = [...rows].map(([, code, status, message]) => ({
    code: code!,
    status: Number(status),
    message: message!,
  }));
  assert.deepEqual(byCode(documented), byCode(ours));
});

Deno.test("AppError takes status and sentence from the catalogue", () => {
  const error = new AppError("JOB_NOT_FOUND");
  assert.equal(error.status, 404);
  assert.equal(error.message, errors.JOB_NOT_FOUND.message);
});

Deno.test("isErrorCode() knows the catalogue and nothing of Object", () => {
  assert.ok(isErrorCode("JOB_NOT_FOUND"));
  assert.ok(!isErrorCode("toString"));
  assert.ok(!isErrorCode(undefined));
});

async function readMigrations(): Promise<Entry[]> {
  const folder = new URL("../../migrations/", import.meta.url);
  const entries: Entry[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const sql = await Deno.readTextFile(new URL(name, folder));
    for (
      const [, rows] of sql.matchAll(
        /insert into private\.error_code[^;]*?values([^;]*(?:;[^\n][^;]*)*);\n/g,
      )
    ) {
      for (
        const [, code, status, message] of rows!.matchAll(
          /\('([A-Z_]+)', (\d{3}), '((?:[^']|'')*)'\)/g,
        )
      ) {
        entries.push({
          code: code!,
          status: Number(status),
          message: message!.replaceAll("''", "'"),
        });
      }
    }
  }
  return entries;
}

function byCode(entries: Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.code < b.code ? -1 : 1);
}
