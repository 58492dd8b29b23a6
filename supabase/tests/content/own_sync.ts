/** Accounts, syncs and a quota counter that only one test knows; gone when it ends. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

/** A sync that is held, as a worker knows it. */
interface HeldSync {
  readonly id: string;
  readonly fencing_token: string;
}

/** What a page answers. */
interface PageCounts {
  readonly new_count: number;
  readonly failed_count: number;
}

/** What a test owns. */
export interface OwnSync {
  readonly sql: postgres.Sql;
  readonly run: string;
  readonly users: readonly string[];
  /** The first user's. */
  readonly account: string;
  readonly jobs: readonly HeldSync[];
  connect(channel: string): Promise<string>;
  /** One more sync of the account that runs, as two would that were asked for by different ways. */
  hold(): Promise<HeldSync>;
  savePage(job: HeldSync, ids: readonly string[], title?: string): Promise<PageCounts>;
  finish(job: HeldSync): Promise<number>;
  deleteAsOwner(id: string): Promise<boolean>;
  shown(): Promise<string[]>;
}

const stack = await readStack();

/** Makes users with an account each, runs the test with them, and deletes everything. */
export async function withOwnSync(
  { connections, users: count = 1 }: { connections: number; users?: number },
  test: (own: OwnSync) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: connections, onnotice: () => {} });
  const run = crypto.randomUUID();
  const users = Array.from({ length: count }, () => crypto.randomUUID());
  const jobs: HeldSync[] = [];
  const connect = async (user: string, channel: string): Promise<string> => {
    const [row] = await sql<{ id: string }[]>`
      select public.connect_platform_account(${user}, 'youtube',
        ${sql.json({ platform_account_id: `UC_${run}_${user}_${channel}` })},
        '{"access_token": "at"}', '{}', now() + interval '1 hour') as id`;
    return row!.id;
  };
  try {
    // A race needs its connections before the start.
    await Promise.all(Array.from({ length: connections }, () => sql`select`));
    await sql`insert into auth.users (id, email)
      select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
    await sql`update public.subscription set tier = 'premium' where user_id in ${sql(users)}`;
    const accounts = await Promise.all(users.map((user) => connect(user, "first")));
    const account = accounts[0]!;
    await test({
      sql,
      run,
      users,
      account,
      jobs,
      connect: (channel) => connect(users[0]!, channel),
      async hold() {
        const [job] = await sql<HeldSync[]>`
          insert into public.job_queue (user_id, job_type, params, dedupe_key, status, worker_id,
            lease_expires_at, started_at, slice_started_at, fencing_token)
          values (${users[0]!}, 'sync_youtube', ${sql.json({ social_account_id: account })},
            gen_random_uuid()::text, 'processing', ${run}, now() + interval '1 hour', clock_timestamp(),
            clock_timestamp(), 7)
          returning id, fencing_token`;
        jobs.push(job!);
        return job!;
      },
      async savePage(job, ids, title = "") {
        const items = ids.map((id) => ({ platform_content_id: id, content_type: "post", title }));
        const [counts] = await sql<PageCounts[]>`
          select * from public.save_content_batch(${job.id}, ${job.fencing_token}, ${account},
            ${sql.json(items)}, '{}', null, null, ${[...ids]})`;
        return counts!;
      },
      async finish(job) {
        const [row] = await sql<{ removed: number }[]>`
          select public.finish_sync(${job.id}, ${job.fencing_token}, ${account}, true) as removed`;
        return row!.removed;
      },
      deleteAsOwner(id) {
        return sql.begin(async (tx) => {
          const [item] = await tx<{ id: string }[]>`
            select id from public.content_item
            where social_account_id = ${account} and platform_content_id = ${id}`;
          assert.ok(item);
          await tx`select set_config('request.jwt.claims', ${
            JSON.stringify({ sub: users[0]!, role: "authenticated" })
          }, true), set_config('role', 'authenticated', true)`;
          const [row] = await tx<{ deleted: boolean }[]>`
            select public.delete_content(${item.id}) as deleted`;
          return row!.deleted;
        });
      },
      async shown() {
        const rows = await sql<{ platform_content_id: string }[]>`
          select platform_content_id from public.content_item
          where social_account_id = ${account} and deleted_at is null
          order by platform_content_id collate "C"`;
        return rows.map((row) => row.platform_content_id);
      },
    });
  } finally {
    await sql`delete from public.job_queue where user_id in ${sql(users)}`;
    await sql`delete from auth.users where id in ${sql(users)}`;
    await sql`delete from private.provider_quota where bucket = ${run}`;
    await sql.end();
  }
}
