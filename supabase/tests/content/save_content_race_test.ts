/** What pgTAP cannot show, having one session: two syncs of one account that meet. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();

Deno.test("save_content() counts each item as new once when two syncs meet", async () => {
  const sql = postgres(stack.db_url, { max: 4, onnotice: () => {} });
  const user = crypto.randomUUID();
  const items = Array.from({ length: 50 }, (_, n) => ({
    platform_content_id: `video-${n}`,
    content_type: "long_video",
    title: `Video ${n}`,
  }));
  try {
    await sql`insert into auth.users (id, email) values (${user}, ${`${user}@tests.invalid`})`;
    const [account] = await sql`
      select public.connect_platform_account(
        ${user}, 'youtube', ${sql.json({ platform_account_id: `UC_${user}` })},
        '{"access_token": "at"}', '{}', now()) as id`;

    const counts = await Promise.all(
      [items, items.toReversed(), items, items].map(async (batch) => {
        const [row] = await sql`select * from private.save_content(${account!.id}, ${
          sql.json(batch)
        })`;
        return row!;
      }),
    );

    const total = (key: string) => counts.reduce((sum, row) => sum + row[key], 0);
    assert.deepEqual(["new_count", "updated_count", "unchanged_count"].map(total), [50, 0, 150]);
  } finally {
    await sql`delete from auth.users where id = ${user}`;
    await sql.end();
  }
});
