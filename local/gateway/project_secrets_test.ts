import assert from "node:assert/strict";
import { join } from "node:path";
import { projectSecrets } from "./project_secrets.ts";

async function project(files: Record<string, string>) {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(join(root, "supabase", "functions"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(root, path), text);
  }
  return {
    read: (environment: Record<string, string> = {}) =>
      projectSecrets(join(root, "supabase"), (name) => environment[name]),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

const config = `
[edge_runtime.secrets]
PLAIN = "as written"
lower_case = "named in capitals"
FROM_ENV = "env(SOME_VARIABLE)"
NEVER_SET = "env(NOT_THERE)"
SUPABASE_MINE = "is not mine"
`;

Deno.test("secrets come from config.toml, its variables from the environment", async () => {
  await using made = await project({ "supabase/config.toml": config });
  assert.deepEqual(await made.read({ SOME_VARIABLE: "set" }), {
    PLAIN: "as written",
    LOWER_CASE: "named in capitals",
    FROM_ENV: "set",
  });
});

Deno.test("variables also come from .env files, the nearest and most special first", async () => {
  await using made = await project({
    "supabase/config.toml": config,
    ".env.local": "SOME_VARIABLE=far",
    "supabase/.env": "SOME_VARIABLE=near",
  });
  assert.equal((await made.read()).FROM_ENV, "near");
  assert.equal((await made.read({ SOME_VARIABLE: "own" })).FROM_ENV, "own");
});

Deno.test("functions/.env wins over config.toml and adds to it", async () => {
  await using made = await project({
    "supabase/config.toml": config,
    "supabase/functions/.env": `PLAIN="another" # said last\nADDED=1\nSUPABASE_URL=http://evil`,
  });
  const secrets = await made.read();
  assert.deepEqual([secrets.PLAIN, secrets.ADDED, secrets.SUPABASE_URL], [
    "another",
    "1",
    undefined,
  ]);
});

Deno.test("a project without any of it has no secrets", async () => {
  await using made = await project({});
  assert.deepEqual(await made.read(), {});
});
