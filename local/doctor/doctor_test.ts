import assert from "node:assert/strict";
import postgres from "postgres";
import { startStack } from "../stack/client.ts";
import { judgeRing } from "./checks.ts";

const main = new URL("main.ts", import.meta.url).pathname;

async function doctor(dbUrl: string): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", main, "--db-url", dbUrl],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, said: text.decode(stdout) + text.decode(stderr) };
}

Deno.test("the doctor finds a stack well, and says which part is not", async (t) => {
  const stack = await startStack({ skipParts: ["mailbox", "providers"] });
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const setKey = (key: string) =>
    sql`select vault.update_secret(id, ${key}) from vault.secrets where name = 'automation_key'`;
  try {
    await t.step("a job goes all the way", async () => {
      const { code, said } = await doctor(stack.db_url);
      assert.equal(code, 0, said);
      assert.match(said, /accepts the key in Vault/);
      assert.match(said, /a job went all the way/);
    });

    await t.step("two keys that differ are told apart from everything else", async () => {
      await setKey("sv_automation_another");
      const { code, said } = await doctor(stack.db_url);
      assert.equal(code, 1);
      assert.match(said, /FAIL job-processor answered 401\n.*not the one of the functions/);
      assert.doesNotMatch(said, /sv_automation/, "no key is shown");
      await setKey(stack.automation_key);
    });

    await t.step("a secret that is not there is named", async () => {
      await sql`delete from vault.secrets where name = 'project_url'`;
      const { code, said } = await doctor(stack.db_url);
      assert.equal(code, 1);
      assert.match(said, /FAIL Vault lacks project_url\n.*vault\.create_secret/);
    });
  } finally {
    await sql.end({ timeout: 1 });
    await stack.stop({ remove: true });
  }
});

Deno.test("the doctor says that a database is not there", async () => {
  const { code, said } = await doctor("postgres://postgres@127.0.0.1:9/postgres");
  assert.equal(code, 1);
  assert.match(said, /^FAIL .*ECONNREFUSED/);
});

for (
  const [what, answer, advice] of [
    ["no answer", null, /worker_restart/],
    ["no way", { status_code: null, timed_out: false, error_msg: "refused" }, /project_url/],
    ["a time-out", { status_code: null, timed_out: true, error_msg: null }, /project_url/],
    ["403", { status_code: 403, timed_out: false, error_msg: null }, /AUTOMATION_KEY/],
    ["404", { status_code: 404, timed_out: false, error_msg: null }, /functions deploy/],
    ["503", { status_code: 503, timed_out: false, error_msg: null }, /log/],
  ] as const
) {
  Deno.test(`judgeRing() has advice for ${what}`, () => {
    const finding = judgeRing(answer);
    assert.equal(finding.ok, false);
    assert.match(finding.advice ?? "", advice);
  });
}
