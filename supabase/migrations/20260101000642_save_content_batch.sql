-- 002 Content meets 006 Async: what a sync stores.
-- The rules to know: a page of content and the checkpoint that says it is stored are one transaction, so that
-- a sync that goes on elsewhere neither skips nor recounts anything. And what a sync has seen stands here, not
-- in the memory of a worker, which may die: only who has seen the whole list can say what is gone.

-- No foreign key to the queue, like its other side tables.
create table private.sync_pass (
  job_id uuid primary key,
  social_account_id uuid not null references public.social_account (id) on delete cascade,
  began_at timestamptz not null,
  is_whole boolean not null,
  new_count int not null default 0,
  updated_count int not null default 0,
  unchanged_count int not null default 0,
  failed_count int not null default 0,
  removed_count int not null default 0,
  finished_at timestamptz
);
comment on table private.sync_pass is 'What a sync has done so far; goes when its job has ended.';
comment on column private.sync_pass.began_at is 'No later than the list of the platform was begun.';
comment on column private.sync_pass.is_whole is
  'Whether all that the job has seen stands in sync_seen. Else, as after a retry days later, nothing counts as gone.';
create index sync_pass_social_account_id_idx on private.sync_pass (social_account_id);
alter table private.sync_pass enable row level security;
revoke all on table private.sync_pass from public, anon, authenticated, service_role;

create table private.sync_seen (
  job_id uuid not null references private.sync_pass (job_id) on delete cascade,
  platform_content_id text not null,
  outcome text not null,
  primary key (job_id, platform_content_id),
  constraint sync_seen_outcome_is_known check (outcome in ('new', 'updated', 'unchanged', 'failed'))
);
comment on table private.sync_seen is 'What a sync met at the platform, and what became of it; each counts once.';
alter table private.sync_seen enable row level security;
revoke all on table private.sync_seen from public, anon, authenticated, service_role;

-- A day is not to the second: whose accounts were connected at once are not synced at once for ever.
create function private.next_sync_at(p_user_id uuid, p_sync_interval interval)
returns timestamptz
language plpgsql volatile set search_path = ''
as $$
begin
  return now() + (0.95 + 0.1 * random()) * coalesce(
    p_sync_interval, (select auto_sync_interval from public.user_setting where user_id = p_user_id), interval '1 day');
end;
$$;
comment on function private.next_sync_at(uuid, interval) is
  'When an account is due again: after its interval, else its owner''s, give or take a twentieth.';
revoke all on function private.next_sync_at(uuid, interval) from public, anon, authenticated, service_role;

create function private.hold_job(p_job_id uuid, p_fencing_token bigint)
returns public.job_queue
language plpgsql volatile set search_path = ''
as $$
declare
  v_job public.job_queue;
begin
  if p_fencing_token >= 1000000000000 then
    perform private.write_start(p_job_id, p_fencing_token);
  end if;
  -- Held to the end: nobody can cancel or take over the job between this check and the caller's commit.
  select * into v_job from public.job_queue as held
  where held.id = p_job_id and held.status = 'processing'
    and (held.fencing_token = p_fencing_token or (p_fencing_token is null and held.is_classic))
  for no key update;
  if not found then
    perform private.raise_error('LEASE_LOST', jsonb_build_object('job_id', p_job_id));
  end if;
  return v_job;
end;
$$;
comment on function private.hold_job(uuid, bigint) is 'Locks a job for its holder, or raises LEASE_LOST.';

-- What was met before keeps the greater word: new before updated before unchanged; what failed may be
-- stored yet. The job's row is locked, so that nobody else writes these.
create function private.note_seen(p_job_id uuid, p_ids text[], p_outcomes text[])
returns private.sync_pass
language plpgsql volatile set search_path = ''
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
as $$
declare
  v_pass private.sync_pass;
begin
  with met as materialized (
    select page.id, seen.outcome as before, case
        when seen.outcome is null or seen.outcome = 'failed' then page.outcome
        when page.outcome = 'updated' and seen.outcome = 'unchanged' then 'updated'
        else seen.outcome
      end as outcome
    from unnest(p_ids, p_outcomes) as page (id, outcome)
    left join private.sync_seen as seen on seen.job_id = p_job_id and seen.platform_content_id = page.id
  ),
  noted as (
    insert into private.sync_seen (job_id, platform_content_id, outcome)
    select p_job_id, id, outcome from met where outcome is distinct from before
    on conflict (job_id, platform_content_id) do update set outcome = excluded.outcome
  )
  update private.sync_pass as pass
  set new_count = pass.new_count + change.new,
    updated_count = pass.updated_count + change.updated,
    unchanged_count = pass.unchanged_count + change.unchanged,
    failed_count = pass.failed_count + change.failed
  from (
    select
      count(*) filter (where outcome = 'new') - count(*) filter (where before = 'new') as new,
      count(*) filter (where outcome = 'updated') - count(*) filter (where before = 'updated') as updated,
      count(*) filter (where outcome = 'unchanged') - count(*) filter (where before = 'unchanged') as unchanged,
      count(*) filter (where outcome = 'failed') - count(*) filter (where before = 'failed') as failed
    from met
  ) as change
  where pass.job_id = p_job_id
  returning pass.* into v_pass;
  return v_pass;
end;
$$;
comment on function private.note_seen(uuid, text[], text[]) is
  'Adds a page to what a sync has seen and to its totals; an id that was met before is not counted again.';

create function private.save_content_batch(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_items jsonb, p_checkpoint jsonb,
  p_progress_percent int, p_progress_message text, p_seen text[]
)
returns table (
  new_count int, updated_count int, unchanged_count int, failed_count int, seen_count int, failed jsonb
)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_job public.job_queue;
  v_page record;
  v_pass private.sync_pass;
  v_total jsonb;
begin
  -- In the order in which everybody locks them: user, job, account. Items refer to the user's row.
  perform from public.users
  where id = (select user_id from public.social_account where id = p_social_account_id)
  for key share;
  v_job := private.hold_job(p_job_id, p_fencing_token);

  update public.social_account set
    last_synced_at = now(),
    next_sync_at = case when sync_mode = 'auto' and is_active then private.next_sync_at(user_id, sync_interval) end
  where id = p_social_account_id and user_id = v_job.user_id and deleted_at is null;
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;

  select array_agg(item.platform_content_id) as ids, array_agg(item.outcome) as outcomes,
    count(*) filter (where item.outcome = 'new')::int as new,
    count(*) filter (where item.outcome = 'updated')::int as updated,
    count(*) filter (where item.outcome = 'unchanged')::int as unchanged,
    count(*) filter (where item.outcome = 'failed')::int as failed_items,
    coalesce(jsonb_agg(jsonb_build_object(
      'platform_content_id', item.platform_content_id, 'code', 'VALIDATION_ERROR', 'reason', item.reason)
      order by item.platform_content_id) filter (where item.outcome = 'failed'), '[]') as failed
  into v_page
  from private.save_content_items(p_social_account_id, p_items) as item;

  -- A caller that does not say what it has seen keeps its totals in the checkpoint, and nothing else.
  if p_seen is null then
    v_pass.new_count := coalesce((v_job.checkpoint ->> 'new')::int, 0) + v_page.new;
    v_pass.updated_count := coalesce((v_job.checkpoint ->> 'updated')::int, 0) + v_page.updated;
    v_pass.unchanged_count := coalesce((v_job.checkpoint ->> 'unchanged')::int, 0) + v_page.unchanged;
    v_pass.failed_count := v_page.failed_items;
    v_total := jsonb_build_object(
      'new', v_pass.new_count, 'updated', v_pass.updated_count, 'unchanged', v_pass.unchanged_count);
  else
    insert into private.sync_pass
      (job_id, social_account_id, began_at, is_whole, new_count, updated_count, unchanged_count, failed_count)
    values (p_job_id, p_social_account_id, coalesce(v_job.started_at, now()),
      -- A job that has seen something before, and of which nothing stands here, has been away too long.
      coalesce(v_job.checkpoint -> 'seen', 'null') = 'null',
      coalesce((v_job.checkpoint ->> 'new')::int, 0), coalesce((v_job.checkpoint ->> 'updated')::int, 0),
      coalesce((v_job.checkpoint ->> 'unchanged')::int, 0), coalesce((v_job.checkpoint ->> 'failed')::int, 0))
    on conflict (job_id) do nothing;
    -- Of what was seen and is not among the items, the platform's own words could not be read.
    v_pass := private.note_seen(p_job_id,
      v_page.ids || unread.ids, v_page.outcomes || array_fill('failed'::text, array[cardinality(unread.ids)]))
    from (
      select array(
        select distinct id from unnest(p_seen) as id
        where id is not null and id <> all (coalesce(v_page.ids, '{}'))) as ids
    ) as unread;
    v_total := jsonb_build_object('new', v_pass.new_count, 'updated', v_pass.updated_count,
      'unchanged', v_pass.unchanged_count, 'failed', v_pass.failed_count, 'seen',
      v_pass.new_count + v_pass.updated_count + v_pass.unchanged_count + v_pass.failed_count);
  end if;

  if public.save_job_checkpoint(p_job_id, p_fencing_token, coalesce(p_checkpoint, '{}') || v_total,
    p_progress_percent, p_progress_message) is not true
  then
    perform private.raise_error('LEASE_LOST', jsonb_build_object('job_id', p_job_id));
  end if;

  return query select v_pass.new_count, v_pass.updated_count, v_pass.unchanged_count, v_pass.failed_count,
    coalesce((v_total ->> 'seen')::int, 0), v_page.failed;
end;
$$;
comment on function private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]) is
  'Body of save_content_batch(). Lends the right to write content, accounts, what was seen, and the job that is held.';

create function public.save_content_batch(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_items jsonb, p_checkpoint jsonb,
  p_progress_percent int, p_progress_message text, p_seen text[] default null
)
returns table (
  new_count int, updated_count int, unchanged_count int, failed_count int, seen_count int, failed jsonb
)
language sql volatile rows 1 set search_path = ''
as $$
  select * from private.save_content_batch(
    p_job_id, p_fencing_token, p_social_account_id, p_items, p_checkpoint, p_progress_percent, p_progress_message,
    p_seen);
$$;
comment on function public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]) is
  'Service only. Stores a page and the checkpoint behind it in one transaction, or raises LEASE_LOST. p_seen: every id that the list named. Returns the job''s running totals, each id counted once, and this page''s failed items: [{platform_content_id, code, reason}].';
