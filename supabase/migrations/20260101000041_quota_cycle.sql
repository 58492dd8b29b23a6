-- Cycles of the quotas: what was used is written down when one ends. It is closed by whoever comes first,
-- the timetable or the user who needs the next.

-- One row per user and cycle, also where nothing was used: cycles follow each other without a gap.
create table public.quota_usage_history (
  user_id uuid not null references public.users (id) on delete cascade,
  cycle_start timestamptz not null,
  cycle_end timestamptz not null,
  tier text not null,
  syncs_used int not null,
  max_syncs int not null,
  ai_analyses_used int not null,
  max_ai_analyses int not null,
  seo_submissions_used int not null,
  max_seo_submissions int not null,
  created_at timestamptz not null default now(),
  primary key (user_id, cycle_start),
  constraint quota_usage_history_cycle_has_a_length check (cycle_end > cycle_start)
);
comment on table public.quota_usage_history is 'What was used, and could have been, in every cycle that is over.';
comment on column public.quota_usage_history.tier is 'The tier that counted when the cycle was closed, by the name it had.';

alter table public.quota_usage_history enable row level security;
revoke all on table public.quota_usage_history from public, anon, authenticated, service_role;
grant select on table public.quota_usage_history to authenticated, service_role;

create policy select_own on public.quota_usage_history
  for select to authenticated
  using (user_id = (select auth.uid()));

-- History, counters and dates change in one statement, on rows that it has locked: a crash leaves all or
-- nothing, a consume comes before or after. Locked in one order, for there may be many. What is written refers to
-- the users' rows, and whoever deletes one comes from there to the subscription: callers have locked those.
create function private.roll_cycles(p_user_ids uuid[])
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_rolled int;
begin
  with due as materialized (
    select own.*
    from public.subscription as own
    where own.user_id = any (p_user_ids) and own.cycle_end <= now()
    order by own.user_id
    for no key update
  ),
  -- The cycle that ended, number 0, and those that were missed since.
  ended as (
    select due.user_id, number,
      case number when 0 then due.cycle_start
        else private.cycle_end_after(due.cycle_end, due.anchor_day, number - 1) end as cycle_start,
      private.cycle_end_after(due.cycle_end, due.anchor_day, number) as cycle_end
    from due
    cross join lateral generate_series(0,
      12 * extract(year from age(now(), due.cycle_end))::int + extract(month from age(now(), due.cycle_end))::int + 2
    ) as number
  ),
  history as (
    insert into public.quota_usage_history (user_id, cycle_start, cycle_end, tier, syncs_used, max_syncs,
      ai_analyses_used, max_ai_analyses, seo_submissions_used, max_seo_submissions)
    select due.user_id, ended.cycle_start, ended.cycle_end, tier.name,
      case ended.number when 0 then due.syncs_used else 0 end, tier.max_syncs,
      case ended.number when 0 then due.ai_analyses_used else 0 end, tier.max_ai_analyses,
      case ended.number when 0 then due.seo_submissions_used else 0 end, tier.max_seo_submissions
    from due
    join ended on ended.user_id = due.user_id and ended.cycle_end <= now()
    join public.subscription_tier as tier
      on tier.name = private.tier_in_force(due.tier, due.status, due.paid_until)
    on conflict (user_id, cycle_start) do nothing
    returning *
  ),
  -- Who had used something up waits for this; the others need no news every month.
  told as (
    insert into public.notification (user_id, kind, title, body, data)
    select history.user_id, 'quota_reset', 'Your quota is there again',
      'A new cycle has begun, and what you had used up is available again.',
      jsonb_build_object('quotas', full_quota.names)
    from due
    join history on history.user_id = due.user_id and history.cycle_start = due.cycle_start
    cross join lateral (
      select jsonb_agg(quota.name) as names
      from (values
        ('syncs', history.syncs_used, history.max_syncs),
        ('ai_analyses', history.ai_analyses_used, history.max_ai_analyses),
        ('seo_submissions', history.seo_submissions_used, history.max_seo_submissions)
      ) as quota (name, used, max_units)
      where quota.used >= quota.max_units and quota.used > 0
    ) as full_quota
    where full_quota.names is not null
  ),
  rolled as (
    update public.subscription as own
    set cycle_start = current.cycle_start, cycle_end = current.cycle_end,
      syncs_used = 0, ai_analyses_used = 0, seo_submissions_used = 0
    from (
      select distinct on (user_id) user_id, cycle_start, cycle_end
      from ended
      where cycle_end > now()
      order by user_id, number
    ) as current
    where own.user_id = current.user_id
    returning own.user_id
  )
  select count(*) into v_rolled from rolled;
  return v_rolled;
end;
$$;
comment on function private.roll_cycles(uuid[]) is
  'Closes the ended cycles of these users: history first, then counters at zero and the dates of the current cycle. Returns how many users.';

-- In batches, because a function cannot commit between them and its rows stay locked: what is left is done
-- by the next call, and whoever needs their cycle sooner closes it themselves.
create function private.reset_quotas(p_limit int default 1000)
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_user_ids uuid[];
begin
  select array_agg(user_id) into v_user_ids
  from (
    select own.user_id
    from public.subscription as own
    join public.users as owner on owner.id = own.user_id
    where own.cycle_end <= now()
    order by own.cycle_end limit p_limit
    for no key update of own skip locked for key share of owner skip locked
  ) as due;
  if v_user_ids is null then
    return 0;
  end if;
  return private.roll_cycles(v_user_ids);
end;
$$;
comment on function private.reset_quotas(int) is
  'Timetable: closes cycles that have ended, oldest first, passing over whom somebody is counting for, or deleting, just now. Returns how many; repeating it does no harm.';

revoke all on function private.roll_cycles(uuid[]), private.reset_quotas(int)
from public, anon, authenticated, service_role;
