/** What pgTAP cannot show, having one session: many sign-ups of one name, many requests of one caller. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();

/** Signs thirty people up at once, each under this name. */
async function signUp(sql: postgres.Sql, users: string[], name: string | null): Promise<void> {
  await Promise.all(users.map((id) =>
    sql`
      insert into auth.users (id, email, raw_user_meta_data)
      values (${id}, ${`${id}@tests.invalid`}, ${sql.json({ display_name: name })})`
  ));
}

async function slugs(sql: postgres.Sql, users: string[], plain: string) {
  const [profiles] = await sql`
    select count(distinct profile_slug)::int as slugs,
      count(*) filter (where profile_slug = ${plain})::int as plain
    from public.users where id = any(${users})`;
  return { ...profiles };
}

Deno.test("create_profile() gives every one of thirty simultaneous namesakes a slug", async () => {
  const sql = postgres(stack.db_url, { max: 30, onnotice: () => {} });
  const users = Array.from({ length: 30 }, () => crypto.randomUUID());
  const digits = users[0]!.slice(0, 8);
  try {
    await signUp(sql, users, `Юлия ${digits}`);

    assert.deepEqual(await slugs(sql, users, `yuliya-${digits}`), { slugs: 30, plain: 1 });
  } finally {
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
});

Deno.test("complete_profile() gives every one of thirty simultaneous namesakes a slug", async () => {
  const sql = postgres(stack.db_url, { max: 30, onnotice: () => {} });
  const users = Array.from({ length: 30 }, () => crypto.randomUUID());
  const digits = users[0]!.slice(0, 8);
  try {
    await signUp(sql, users, null);
    await Promise.all(
      users.map((id) => sql`select * from public.complete_profile(${id}, ${`Ana ${digits}`})`),
    );

    assert.deepEqual(await slugs(sql, users, `ana-${digits}`), { slugs: 30, plain: 1 });
  } finally {
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
});

Deno.test("consume_rate_limit() gives the last unit to one of many requests", async () => {
  const sql = postgres(stack.db_url, { max: 8, onnotice: () => {} });
  const name = `tests-${crypto.randomUUID()}`;
  try {
    await sql`insert into private.rate_limit (function_name, caller, max_requests) values (${name}, 'user', 5)`;

    const answers = await Promise.all(Array.from({ length: 16 }, async () => {
      const [row] = await sql`select * from public.consume_rate_limit(${name}, 'user', 'somebody')`;
      return row!.allowed;
    }));

    assert.equal(answers.filter((allowed) => allowed).length, 5);
  } finally {
    await sql`delete from private.rate_limit where function_name = ${name}`;
    await sql`delete from private.rate_limit_counter where function_name = ${name}`;
    await sql.end();
  }
});
