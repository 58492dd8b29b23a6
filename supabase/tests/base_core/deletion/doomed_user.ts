/** A user with something of everything, who is about to be deleted. */
import postgres from "postgres";

/** What there is of the user, by its id. */
export interface Doomed {
  readonly sql: postgres.Sql;
  readonly user: string;
  readonly account: string;
  readonly connection: string;
  readonly state: string;
  readonly item: string;
  /** Removed by its owner. */
  readonly removedItem: string;
  /** All jobs here are of this type, which costs a unit. */
  readonly jobType: string;
  readonly plainType: string;
  /** Runs under `TOKEN`. */
  readonly held: string;
  readonly waiting: string;
  /** Failed, and was paid back. */
  readonly failed: string;
  /** Waits for its children, and fails with them. */
  readonly parent: string;
  /** Runs under `TOKEN`. */
  readonly child: string;
  /** Ended long ago; of all jobs the first and the last in the order of ids, though not of rows. */
  readonly first: string;
  readonly last: string;
}

/** The attempt at jobs that run. */
export const TOKEN = 7;

/** Makes two job types that no worker of the stack knows: one that costs a unit, and one that does not. */
export async function makeJobTypes(sql: postgres.Sql): Promise<string[]> {
  const name = `doomed_${crypto.randomUUID().replaceAll("-", "")}`;
  const types = await sql<{ name: string }[]>`
    insert into public.job_type (name, category, description, cache_ttl, max_retries, retention, quota_type)
    select ${name} || ending, 'maintenance', 'A race test''s own.', null, 0, '1 hour', quota
    from (values ('', 'syncs'), ('_plain', null)) as of_type (ending, quota)
    returning name`;
  return types.map((type) => type.name);
}

async function connectAccount(sql: postgres.Sql, user: string) {
  const [row] = await sql<{ account: string; connection: string }[]>`
    with made as materialized (
      select public.connect_platform_account(${user}, 'youtube',
        ${sql.json({ platform_account_id: `UC_${user}`, follower_count: 5 })},
        '{"access_token": "at", "refresh_token": "rt"}', '{}', now() + interval '2 hours') as id
    )
    select id as account from made`;
  const [connection] = await sql<{ id: string }[]>`
    select id from public.platform_connection where user_id = ${user}`;
  return { account: row!.account, connection: connection!.id };
}

async function publish(sql: postgres.Sql, user: string, account: string) {
  const items = await sql<{ id: string }[]>`
    insert into public.content_item
      (user_id, social_account_id, platform_content_id, content_type, title, deleted_at, deleted_by)
    values (${user}, ${account}, 'shown', 'post', 'Shown', null, null),
      (${user}, ${account}, 'removed', 'post', 'Removed', now(), 'owner')
    returning id`;
  await sql`
    insert into public.content_revision (content_item_id, user_id, changes)
    values (${items[0]!.id}, ${user}, '{"title": {"old": "", "new": "Shown"}}')`;
  return { item: items[0]!.id, removedItem: items[1]!.id };
}

async function enqueue(sql: postgres.Sql, user: string, jobType: string, account: string) {
  const id = () => crypto.randomUUID();
  const job = {
    held: id(),
    waiting: id(),
    failed: id(),
    parent: id(),
    child: id(),
    first: `00000000${id().slice(8)}`,
    last: `ffffffff${id().slice(8)}`,
  };
  await sql`
    insert into public.job_queue (id, created_at, user_id, job_type, params, status, held_by, parent_job_id, turn, worker_id,
      lease_expires_at, started_at, slice_started_at, fencing_token, completed_at, error_code, progress_percent)
    select id, case when status = 'completed' then now() - interval '2 days' else now() end, ${user}, ${jobType}, ${
    sql.json({ social_account_id: account })
  }, status,
      case when id = ${job.parent} then 'children' end, case when id = ${job.child} then ${job.parent}::uuid end,
      case when id = ${job.waiting} then 0 end,
      case when status = 'processing' then ${user} end,
      case when status = 'processing' then now() + interval '1 hour' end,
      case when status = 'processing' then now() end, case when status = 'processing' then now() end,
      case when status = 'processing' then ${TOKEN}::int else 0 end,
      case when status in ('completed', 'failed') then now() - interval '1 day' end,
      case when status = 'failed' then 'HANDLER_ERROR' end, case when status = 'completed' then 100 else 0 end
    from (values (${job.held}::uuid, 'processing'), (${job.waiting}, 'pending'), (${job.failed}, 'failed'),
      (${job.parent}, 'pending'), (${job.child}, 'processing'), (${job.last}, 'completed'), (${job.first}, 'completed')) as made (id, status)`;
  await sql`
    insert into private.job_quota (job_id, user_id, quota_type, cycle_start, given_back_at)
    select ${job.failed}, user_id, 'syncs', cycle_start, now() from public.subscription where user_id = ${user}`;
  await sql`
    insert into public.job_batch (parent_job_id, total, on_child_failure, is_awaited)
    values (${job.parent}, 1, 'fail_fast', true)`;
  return job;
}

/** Makes the user, and what they have. */
export async function makeDoomed(sql: postgres.Sql, jobTypes: readonly string[]): Promise<Doomed> {
  const user = crypto.randomUUID();
  const state = crypto.randomUUID();
  await sql`insert into auth.users (id, email) values (${user}, ${`${user}@tests.invalid`})`;
  await sql`update public.subscription set tier = 'premium' where user_id = ${user}`;
  const own = await connectAccount(sql, user);
  await sql`select public.create_oauth_state(${user}, 'youtube', ${state}, 'verifier', 'https://a.example')`;
  const items = await publish(sql, user, own.account);
  const jobs = await enqueue(sql, user, jobTypes[0]!, own.account);
  return {
    sql,
    user,
    state,
    jobType: jobTypes[0]!,
    plainType: jobTypes[1]!,
    ...own,
    ...items,
    ...jobs,
  };
}
