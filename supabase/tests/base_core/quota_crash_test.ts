/** A reset that dies in the middle: everything is as before it, and the next one does it all, once. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();

Deno.test("a reset whose connection is killed leaves nothing behind, and the next one loses nothing", async () => {
  const sql = postgres(stack.db_url, { max: 2, onnotice: () => {} });
  const doomed = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const users = Array.from({ length: 5 }, () => crypto.randomUUID());
  const state = async () => {
    const [row] = await sql`
      select (select count(*)::int from public.quota_usage_history where user_id = any(${users})) as past,
        sum(syncs_used)::int as used, bool_and(cycle_end > now()) as is_current
      from public.subscription where user_id = any(${users})`;
    return { ...row };
  };
  try {
    await sql`
      insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
    await sql`select public.consume_quota(id, 'syncs', 3) from unnest(${users}::uuid[]) as id`;

    // Its rows come due in its own transaction: else the timetable might be there first.
    const list = users.map((id) => `'${id}'`).join();
    const reset = doomed.unsafe(`
      begin;
      update public.subscription
      set cycle_start = now() - interval '2 months', cycle_end = now() - interval '1 month'
      where user_id in (${list});
      select 1 / (private.roll_cycles(array[${list}]::uuid[]) / 5);
      select pg_terminate_backend(pg_backend_pid());
      commit`).simple();
    await assert.rejects(reset, /terminat|CONNECTION/);
    assert.deepEqual(await state(), { past: 0, used: 15, is_current: true });

    await sql`
      update public.subscription
      set cycle_start = now() - interval '1 month', cycle_end = now()
      where user_id = any(${users})`;
    const resets = await Promise.all([1, 2].map(() => sql`select private.reset_quotas(100000)`));
    assert.equal(resets.length, 2);
    assert.deepEqual(await state(), { past: 5, used: 0, is_current: true });
    const [past] = await sql`
      select sum(syncs_used)::int as used from public.quota_usage_history where user_id = any(${users})`;
    assert.equal(past!.used, 15);
  } finally {
    await sql`delete from auth.users where id = any(${users})`;
    await doomed.end({ timeout: 1 });
    await sql.end();
  }
});
