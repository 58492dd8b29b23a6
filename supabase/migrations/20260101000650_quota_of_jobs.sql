-- Quotas of jobs: a job that costs a unit takes it in the statement that enqueues it and gives it back,
-- once, if it ends as failed. Which types cost what stands in job_type.quota_type; the triggers of the
-- queue call what is here, and only for jobs that cost something.

-- No foreign keys, like the queue's other side tables: what goes with a job is told by its triggers.
create table private.job_quota (
  job_id uuid primary key,
  user_id uuid not null,
  quota_type text not null,
  cycle_start timestamptz not null,
  given_back_at timestamptz,
  created_at timestamptz not null default now(),
  constraint job_quota_quota_type_is_known check (quota_type in ('syncs', 'ai_analyses', 'seo_submissions'))
);
comment on table private.job_quota is 'The unit that a job took, from which cycle, and when it was given back.';
alter table private.job_quota enable row level security;
revoke all on table private.job_quota from public, anon, authenticated, service_role;

create function private.charge_job_quotas(p_job_ids uuid[], p_user_ids uuid[], p_quota_types text[])
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v record;
  v_quota record;
begin
  if coalesce(cardinality(p_job_ids), 0) = 0 then
    return;
  end if;
  -- Of several users the rows are locked in one order; a single one needs no look ahead.
  if cardinality(p_job_ids) > 1 then
    perform from public.subscription
    where user_id = any (p_user_ids)
    order by user_id
    for no key update;
  end if;

  -- Twice: a cycle may have ended, or a tier may have changed while this waited for the row. What the first
  -- round charged is no longer uncharged in the second.
  for attempt in 1..2 loop
    with job as materialized (
      select asked.job_id, asked.user_id, asked.quota_type
      from unnest(p_job_ids, p_user_ids, p_quota_types) as asked (job_id, user_id, quota_type)
      where asked.user_id is not null and asked.quota_type is not null and not exists (
        select from private.job_quota as standing
        where standing.job_id = asked.job_id and standing.given_back_at is null)
    ),
    wanted as (
      select user_id,
        count(*) filter (where quota_type = 'syncs')::int as syncs,
        count(*) filter (where quota_type = 'ai_analyses')::int as ai_analyses,
        count(*) filter (where quota_type = 'seo_submissions')::int as seo_submissions
      from job
      group by user_id
    ),
    consumed as (
      update public.subscription as own
      set syncs_used = own.syncs_used + wanted.syncs,
        ai_analyses_used = own.ai_analyses_used + wanted.ai_analyses,
        seo_submissions_used = own.seo_submissions_used + wanted.seo_submissions
      from wanted, public.subscription_tier as tier
      -- By the array, so that the plan is by the index however few or many rows it foresees.
      where own.user_id = wanted.user_id and own.user_id = any (p_user_ids) and own.cycle_end > now()
        and tier.name = private.tier_in_force(own.tier, own.status, own.paid_until)
        -- A quota that is not asked for may be used up, and more: the tier may have been a larger one.
        and (wanted.syncs = 0 or own.syncs_used + wanted.syncs <= tier.max_syncs)
        and (wanted.ai_analyses = 0 or own.ai_analyses_used + wanted.ai_analyses <= tier.max_ai_analyses)
        and (wanted.seo_submissions = 0
          or own.seo_submissions_used + wanted.seo_submissions <= tier.max_seo_submissions)
      returning own.user_id, own.cycle_start
    ),
    noted as (
      insert into private.job_quota (job_id, user_id, quota_type, cycle_start)
      select job.job_id, job.user_id, job.quota_type, consumed.cycle_start
      from job
      join consumed on consumed.user_id = job.user_id
      -- A job that runs again after its unit was given back.
      on conflict (job_id) do update
        set quota_type = excluded.quota_type, cycle_start = excluded.cycle_start, given_back_at = null
    )
    select count(*) as refused, min(job.user_id::text)::uuid as user_id, min(job.quota_type) as quota_type
    into v
    from job
    where job.user_id not in (select user_id from consumed);
    if v.refused = 0 then
      return;
    end if;
    if attempt = 1 then
      perform private.roll_cycles(p_user_ids);
    end if;
  end loop;

  -- Of what this user asked for, the one that there is not enough of.
  select quota.used, quota.max_units, quota.resets_at, asked.quota_type into v_quota
  from (
    select quota_type, count(*) as units
    from unnest(p_user_ids, p_quota_types) as asked (user_id, quota_type)
    where user_id = v.user_id and quota_type is not null
    group by quota_type
  ) as asked
  cross join lateral private.read_quota(v.user_id, asked.quota_type) as quota
  order by quota.used + asked.units > quota.max_units desc nulls last, asked.quota_type
  limit 1;
  perform private.raise_error('QUOTA_EXCEEDED', jsonb_build_object(
    'quota', coalesce(v_quota.quota_type, v.quota_type),
    'limit', coalesce(v_quota.max_units, 0),
    'used', coalesce(v_quota.used, 0),
    'resets_at', v_quota.resets_at,
    'retry_after', greatest(1, ceil(extract(epoch from v_quota.resets_at - now())))));
end;
$$;
comment on function private.charge_job_quotas(uuid[], uuid[], text[]) is
  'Takes a unit for every job that has none yet, all or QUOTA_EXCEEDED. Jobs of nobody, or of no quota, cost nothing. Lends the right to write subscriptions and charges.';

create function private.charge_job_quotas_again(p_job_ids uuid[])
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  perform private.charge_job_quotas(array_agg(job.id), array_agg(job.user_id), array_agg(type.quota_type))
  from public.job_queue as job
  join public.job_type as type on type.name = job.job_type
  where job.id = any(array(
      select job_id from private.job_quota where job_id = any(p_job_ids) and given_back_at is not null))
  having count(*) > 0;
end;
$$;
comment on function private.charge_job_quotas_again(uuid[]) is
  'These jobs get another life: charged like a new one where the quota was given back when they failed.';

create function private.give_back_job_quotas(p_job_ids uuid[])
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_returned int;
begin
  if coalesce(cardinality(p_job_ids), 0) = 0 then
    return 0;
  end if;
  -- Subscriptions first, in one order, as whoever charges does.
  perform from public.subscription
  where user_id in (
    select user_id from private.job_quota where job_id = any (p_job_ids) and given_back_at is null)
  order by user_id
  for no key update;
  -- A unit of a cycle that is over has gone with it; the charge no longer stands all the same.
  with charge as (
    update private.job_quota
    set given_back_at = now()
    where job_id = any (p_job_ids) and given_back_at is null
    returning user_id, quota_type, cycle_start
  ),
  unit as (
    select user_id, cycle_start,
      count(*) filter (where quota_type = 'syncs')::int as syncs,
      count(*) filter (where quota_type = 'ai_analyses')::int as ai_analyses,
      count(*) filter (where quota_type = 'seo_submissions')::int as seo_submissions
    from charge
    group by user_id, cycle_start
  ),
  returned as (
    update public.subscription as own
    set syncs_used = greatest(0, own.syncs_used - unit.syncs),
      ai_analyses_used = greatest(0, own.ai_analyses_used - unit.ai_analyses),
      seo_submissions_used = greatest(0, own.seo_submissions_used - unit.seo_submissions)
    from unit
    where own.user_id = unit.user_id and own.cycle_start = unit.cycle_start
    returning unit.syncs + unit.ai_analyses + unit.seo_submissions as units
  )
  select coalesce(sum(units), 0) into v_returned from returned;
  return v_returned;
end;
$$;
comment on function private.give_back_job_quotas(uuid[]) is
  'Gives the units of these jobs back, each once, to the cycle they came from if it still runs; returns how many. Lends the right to write subscriptions and charges.';

create function private.forget_job_quotas(p_job_ids uuid[])
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if coalesce(cardinality(p_job_ids), 0) > 0 then
    delete from private.job_quota where job_id = any (p_job_ids);
  end if;
end;
$$;
comment on function private.forget_job_quotas(uuid[]) is
  'Drops the charges of jobs that are deleted; nothing is given back. Lends the right to delete charges.';

revoke all on function
  private.charge_job_quotas(uuid[], uuid[], text[]),
  private.charge_job_quotas_again(uuid[]),
  private.give_back_job_quotas(uuid[]),
  private.forget_job_quotas(uuid[])
from public, anon, authenticated, service_role;
