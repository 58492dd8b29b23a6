/** What the Supabase CLI does for a deployment, as far as it can be seen without a hosted project. */
import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { readFunctions } from "../gateway/function_config.ts";
import { readMigrations } from "../migrations/migrate.ts";
import { applyPlatform } from "../platform/apply.ts";
import { readStack } from "../stack/client.ts";
import { repositoryRoot } from "../stack/paths.ts";
import { supabase } from "../supabase_cli.ts";

/** Twenty letters are a project to the CLI; nobody answers for this one. */
const someProject = "abcdefghijklmnopqrst";
const someLogin = { SUPABASE_ACCESS_TOKEN: `sbp_${"0123456789".repeat(4)}` };

/** A database as a new project has it: the platform, and nothing of ours. */
async function withNewProject(work: (url: string, admin: postgres.Sql) => Promise<void>) {
  const stack = await readStack();
  const name = `project_${crypto.randomUUID().slice(0, 8)}`;
  const server = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${name}`);
  const admin = postgres(stack.admin_db_url, { max: 1, database: name, onnotice: () => {} });
  try {
    await applyPlatform(admin);
    const url = new URL(stack.db_url);
    url.pathname = `/${name}`;
    url.searchParams.set("sslmode", "disable");
    await work(url.href, admin);
  } finally {
    await admin.end();
    await server.unsafe(`drop database ${name} with (force)`);
    await server.end();
  }
}

Deno.test("db push brings a new project up: migrations, and the two secrets in Vault", () =>
  withNewProject(async (url, admin) => {
    const env = { PROJECT_URL: "https://ref.supabase.co", AUTOMATION_KEY: "sv_automation_pushed" };
    const dry = await supabase(["db", "push", "--dry-run", `--remote=${url}`], env);
    assert.equal(dry.code, 0, dry.stderr);
    const [{ none }] = await admin<[{ none: boolean }]>`
      select to_regclass('public.job_queue') is null as none`;
    assert(none, "a dry run changes nothing");

    const pushed = await supabase(["db", "push", "--yes", `--remote=${url}`], env);
    assert.equal(pushed.code, 0, pushed.stderr);
    const applied =
      await admin`select version from supabase_migrations.schema_migrations order by 1`;
    assert.deepEqual(
      applied.map(({ version }) => version),
      (await readMigrations()).map(({ version }) => version),
    );
    const secrets = await admin`
      select name, decrypted_secret from vault.decrypted_secrets order by name`;
    assert.deepEqual(secrets.map((secret) => ({ ...secret })), [
      { name: "automation_key", decrypted_secret: env.AUTOMATION_KEY },
      { name: "project_url", decrypted_secret: env.PROJECT_URL },
    ]);
    const again = await supabase(["db", "push", "--yes", `--remote=${url}`], env);
    assert.match(again.stdout + again.stderr, /up to date/);
  }));

Deno.test("the CLI accepts config.toml: it knows every key and likes every value", async () => {
  const { db_url } = await readStack();
  const { code, stdout, stderr } = await supabase([
    "db",
    "push",
    "--dry-run",
    `--remote=${db_url}?sslmode=disable`,
  ]);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout + stderr, /config\.toml/);
});

Deno.test("functions deploy finds every function, and asks before it deploys", async () => {
  const functions = await readFunctions(join(repositoryRoot, "supabase"));
  const { stdout, stderr } = await supabase(
    ["functions", "deploy", "--use-api", `--remote=${someProject}`],
    someLogin,
  );
  assert.match(
    stdout + stderr,
    new RegExp(`Deploy ${functions.size} Functions \\(target: project`),
  );
  assert.match(stdout + stderr, /Nothing was changed/);
});

Deno.test("DEPLOYMENT and deploy.yml name no command and no flag that the CLI does not have", async () => {
  const text = await Deno.readTextFile(join(repositoryRoot, "docs", "DEPLOYMENT.md"));
  const workflow = join(repositoryRoot, ".github", "workflows", "deploy.yml");
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block]) => block!);
  const lines = [...blocks, await Deno.readTextFile(workflow)].flatMap((block) =>
    block.replaceAll(/\\\n\s*/g, " ").split("\n")
  );
  const commands = lines.flatMap((line) => /\bsupabase ([a-z].*)$/.exec(line)?.[1] ?? []);
  assert(commands.length >= 8, `${commands.length} commands`);
  const helps = new Map<string, Promise<string>>();
  const helpOf = async (words: string[]) => {
    const { stdout, stderr } = await supabase([...words, "--help"]);
    return stdout + stderr;
  };
  for (const command of new Set(commands)) {
    // No command of the CLI has more than two words.
    const words = command.split(" ").slice(0, 2).filter((word) => /^[a-z]/.test(word));
    const key = words.join(" ");
    helps.set(key, helps.get(key) ?? helpOf(words));
    const help = await helps.get(key)!;
    const [, name] = /USAGE\s+supabase ([a-z -]+?) \[flags\]/.exec(help) ?? [];
    assert(
      name && command.startsWith(name) && !/<subcommand>/.test(help),
      `no command: ${command}`,
    );
    for (const [, flag] of command.matchAll(/\s(--[a-z-]+)/g)) {
      assert(help.includes(flag!), `${name} has no ${flag}`);
    }
  }
});
