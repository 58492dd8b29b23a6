/** What the documents say is looked up: the tests and files they name, and the SQL they advise. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../local/stack/client.ts";

interface Document {
  readonly name: string;
  readonly text: string;
}

const folder = new URL("./", import.meta.url);
const root = new URL("../", folder);

const documents: Document[] = [];
for (const { name } of Deno.readDirSync(folder)) {
  if (name.endsWith(".md")) {
    documents.push({ name, text: Deno.readTextFileSync(new URL(name, folder)) });
  }
}

function exists(file: URL): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

const read = (path: string) => Deno.readTextFileSync(new URL(path, root));

/** The items of a list that read `file` › title, over as many lines as the formatter likes. */
const namedTests = ({ text }: Document) =>
  Array.from(
    text.matchAll(/^- `([\w/.-]+_test\.(?:ts|sql))` › ([\s\S]+?)(?=\n\n|\n- |\n*$(?![\s\S]))/gm),
    ([, file, title]) => ({ file: file!, title: title!.replaceAll(/\s+/g, " ").trim() }),
  );

Deno.test("every test that a document names exists, word for word", () => {
  const missing: string[] = [];
  let looked = 0;
  for (const document of documents) {
    for (const { file, title } of namedTests(document)) {
      looked++;
      // SQL doubles its quotes.
      const source = exists(new URL(file, root)) ? read(file).replaceAll("''", "'") : "";
      if (!source.includes(`"${title}"`) && !source.includes(`'${title}'`)) {
        missing.push(`${document.name}: ${file} › ${title}`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(looked > 40, `${looked} tests are named`);
});

Deno.test("ASYNC_ARCHITECTURE answers all 20 pains, each with a test or a reason", () => {
  const { text } = documents.find(({ name }) => name === "ASYNC_ARCHITECTURE.md")!;
  const pains = text.split(/^### /m).slice(1).map((part) => part.split(/^## /m)[0]!)
    .filter((part) => /^\d+\. /.test(part));
  assert.deepEqual(
    pains.map((pain) => Number.parseInt(pain)),
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
  for (const pain of pains) {
    assert.ok(/^- `[^`]+_test\./m.test(pain) || /^Not proved: /m.test(pain), pain);
  }
});

Deno.test("REALTIME_GUIDE names the tests of the examples as they are", () => {
  const { text } = documents.find(({ name }) => name === "REALTIME_GUIDE.md")!;
  const rows = text.split("| what happens")[1]!.split("\n\n")[0]!.split("\n").slice(2);
  const tests = ["job_watcher_test.ts", "live_job_test.ts", "use_job_test.ts"]
    .map((file) => read(`docs/examples/${file}`)).join();
  const titles = rows.map((row) => row.split("|")[3]!.trim()).filter((title) =>
    title !== "the same"
  );
  assert.ok(titles.length > 10);
  assert.deepEqual(titles.filter((title) => !tests.includes(`"${title}"`)), []);
});

Deno.test("every file that a document points to is there", () => {
  const missing: string[] = [];
  for (const { name, text } of documents) {
    for (const [, target] of text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const file = new URL(target!, folder);
      if (!exists(file)) missing.push(`${name}: ${target}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every SQL function that a document names exists", () => {
  const migrations = Array.from(
    Deno.readDirSync(new URL("supabase/migrations/", root)),
    ({ name }) => read(`supabase/migrations/${name}`),
  ).join("\n");
  const unknown: string[] = [];
  for (const { name, text } of documents) {
    for (const [, called] of text.matchAll(/(?:public|private)\.([a-z_]+)\(/g)) {
      if (!migrations.includes(`.${called}(`)) unknown.push(`${name}: ${called}()`);
    }
  }
  assert.deepEqual(unknown, []);
});

/** The blocks of SQL; one marked `superuser` needs rights that hosted projects do not give. */
const sqlOf = ({ text }: Document) =>
  Array.from(text.matchAll(/^ *```sql( superuser)?\n([\s\S]*?)^ *```$/gm), (match) => ({
    asSuperuser: match[1] !== undefined,
    text: match[2]!,
  }));

for (const document of documents) {
  if (sqlOf(document).length === 0) continue;
  Deno.test({
    name: `the SQL of ${document.name} runs`,
    ignore: !Deno.env.has("STREAMVIBE_STACK"),
    fn: () => runAll(document),
  });
}

/**
 * Block after block, with somebody's ids in the blanks, in a transaction that is rolled back: a
 * document changes nothing here.
 */
async function runAll(document: Document): Promise<void> {
  const { db_url, admin_db_url } = await readStack();
  const failed: string[] = [];
  for (const asSuperuser of [false, true]) {
    const blocks = sqlOf(document).filter((block) => block.asSuperuser === asSuperuser);
    if (blocks.length === 0) continue;
    const sql = postgres(asSuperuser ? admin_db_url : db_url, { max: 1, onnotice: () => {} });
    await sql.begin(async (transaction) => {
      const fill = await blanks(transaction);
      for (const { text } of blocks) {
        await transaction.savepoint((point) => point.unsafe(fill(text)))
          .catch((error) => failed.push(`${error.message}\n${text}`));
      }
      throw new RolledBack();
    }).catch((error) => {
      if (!(error instanceof RolledBack)) throw error;
    }).finally(() => sql.end());
  }
  assert.deepEqual(failed, []);
}

class RolledBack extends Error {}

/** A user with a job that has failed, and what fills their ids in. */
async function blanks(sql: postgres.TransactionSql): Promise<(text: string) => string> {
  const userId = crypto.randomUUID();
  await sql`insert into auth.users (id, email) values (${userId}, ${`${userId}@tests.invalid`})`;
  const [job] = await sql`
    insert into public.job_queue (user_id, job_type, status, error_code, completed_at)
    values (${userId}, 'self_test', 'failed', 'HANDLER_ERROR', now())
    returning id`;
  return (text) => text.replaceAll("<user id>", userId).replaceAll("<job id>", job!.id);
}
