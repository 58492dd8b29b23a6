import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { startStack } from "./client.ts";
import { localKeys } from "./keys.ts";
import { runsAsRoot } from "./paths.ts";

async function whoIs(url: string): Promise<string> {
  const sql = postgres(url, { max: 1 });
  try {
    const [row] = await sql<{ name: string }[]>`select current_user as name`;
    return row?.name ?? "";
  } finally {
    await sql.end();
  }
}

Deno.test({
  name: "other users of the machine read no file of a stack and are no superuser of its database",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const stack = await startStack({
      skipParts: ["gateway", "scheduler", "realtime", "providers", "mailbox"],
    });
    try {
      // PostgreSQL of a root's stack runs as somebody who has to get through to its data.
      const closed = runsAsRoot() ? 0o711 : 0o700;
      const modes = { ".": closed, logs: closed, pgdata: 0o700 };
      const files = ["stack.json", "automation_key", "pgdata/superuser_password"];
      const wanted = { ...modes, ...Object.fromEntries(files.map((name) => [name, 0o600])) };
      const found = await Promise.all(
        Object.keys(wanted).map(async (name) => {
          const { mode } = await Deno.stat(join(stack.state_dir, name));
          return [name, (mode ?? 0) & 0o777] as const;
        }),
      );
      deepEqual(Object.fromEntries(found), wanted);

      equal(await whoIs(stack.admin_db_url), "supabase_admin");
      const guess = new URL(stack.admin_db_url);
      guess.password = localKeys.databasePassword;
      await rejects(whoIs(guess.href), /password authentication failed/);
    } finally {
      await stack.stop({ remove: true });
    }
  },
});
