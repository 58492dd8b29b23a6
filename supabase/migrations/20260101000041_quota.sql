-- Quotas: what is counted a cycle. The update that counts is the one that decides, so that of many who
-- want the last unit one gets it; a cycle that has ended is closed by whoever comes first, the timetable
-- or the user.

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
-- nothing, a consume comes before or after. Locked in one order, for there may be many.
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

-- In batches, because a function cannot commit between them: what is left is done by the next call, and
-- whoever needs their cycle sooner closes it themselves.
create function private.reset_quotas(p_limit int default 5000)
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_user_ids uuid[];
begin
  select array_agg(user_id) into v_user_ids
  from (
    select user_id from public.subscription
    where cycle_end <= now()
    order by cycle_end limit p_limit
    for no key update skip locked
  ) as due;
  if v_user_ids is null then
    return 0;
  end if;
  return private.roll_cycles(v_user_ids);
end;
$$;
comment on function private.reset_quotas(int) is
  'Timetable: closes cycles that have ended, oldest first, passing over whom somebody is counting for just now. Returns how many; repeating it does no harm.';

create function private.read_quota(
  p_user_id uuid, p_quota_type text, out used int, out max_units int, out resets_at timestamptz
)
language plpgsql stable security definer set search_path = ''
as $$
begin
  select
    case when own.cycle_end <= now() then 0 else case p_quota_type
      when 'syncs' then own.syncs_used
      when 'ai_analyses' then own.ai_analyses_used
      when 'seo_submissions' then own.seo_submissions_used end end,
    case p_quota_type
      when 'syncs' then tier.max_syncs
      when 'ai_analyses' then tier.max_ai_analyses
      when 'seo_submissions' then tier.max_seo_submissions end,
    case when own.cycle_end <= now() then now() else own.cycle_end end
  into used, max_units, resets_at
  from public.subscription as own
  join public.subscription_tier as tier
    on tier.name = private.tier_in_force(own.tier, own.status, own.paid_until)
  where own.user_id = p_user_id;
end;
$$;
comment on function private.read_quota(uuid, text) is
  'What a user has used of a quota, how much there is, and when it begins anew. Lends the right to read subscriptions.';

create function private.check_quota_request(p_quota_type text, p_amount int)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if p_quota_type is null or p_quota_type not in ('syncs', 'ai_analyses', 'seo_submissions') then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('quota', p_quota_type),
      'There is no such quota.');
  end if;
  if p_amount is null or p_amount not between 1 and 1000000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('amount', p_amount),
      'An amount is between 1 and 1 000 000.');
  end if;
end;
$$;
comment on function private.check_quota_request(text, int) is 'Refuses quotas that do not exist and amounts that are none.';

create function private.check_quota(p_user_id uuid, p_quota_type text)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
begin
  perform private.check_quota_request(p_quota_type, 1);
  return coalesce((select used < max_units from private.read_quota(v_user_id, p_quota_type)), false);
end;
$$;
comment on function private.check_quota(uuid, text) is
  'Whether the acting user has a unit left. Lends the right to read their subscription.';

create function private.consume_quota(p_user_id uuid, p_quota_type text, p_amount int)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.check_quota_request(p_quota_type, p_amount);
  -- Twice: the cycle may have ended, or the tier may have changed while this waited for the row.
  for attempt in 1..2 loop
    update public.subscription as own
    set syncs_used = own.syncs_used + case p_quota_type when 'syncs' then p_amount else 0 end,
      ai_analyses_used = own.ai_analyses_used + case p_quota_type when 'ai_analyses' then p_amount else 0 end,
      seo_submissions_used =
        own.seo_submissions_used + case p_quota_type when 'seo_submissions' then p_amount else 0 end
    from public.subscription_tier as tier
    where own.user_id = p_user_id and own.cycle_end > now()
      and tier.name = private.tier_in_force(own.tier, own.status, own.paid_until)
      and case p_quota_type
        when 'syncs' then own.syncs_used + p_amount <= tier.max_syncs
        when 'ai_analyses' then own.ai_analyses_used + p_amount <= tier.max_ai_analyses
        when 'seo_submissions' then own.seo_submissions_used + p_amount <= tier.max_seo_submissions end;
    if found then
      return true;
    end if;
    if attempt = 1 then
      perform private.roll_cycles(array[p_user_id]);
    end if;
  end loop;
  return false;
end;
$$;
comment on function private.consume_quota(uuid, text, int) is
  'Takes units if that many are left, else none. Lends the right to write subscriptions.';

-- Counts what has happened, or takes it back, without asking: the limit is consume_quota's business.
create function private.adjust_quota(p_user_id uuid, p_quota_type text, p_change int)
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_used int;
begin
  perform private.check_quota_request(p_quota_type, abs(p_change));
  perform private.roll_cycles(array[p_user_id]);
  update public.subscription as own
  set syncs_used = case p_quota_type when 'syncs' then greatest(0, own.syncs_used + p_change)
      else own.syncs_used end,
    ai_analyses_used = case p_quota_type when 'ai_analyses' then greatest(0, own.ai_analyses_used + p_change)
      else own.ai_analyses_used end,
    seo_submissions_used =
      case p_quota_type when 'seo_submissions' then greatest(0, own.seo_submissions_used + p_change)
      else own.seo_submissions_used end
  where own.user_id = p_user_id
  returning case p_quota_type when 'syncs' then own.syncs_used when 'ai_analyses' then own.ai_analyses_used
    else own.seo_submissions_used end into v_used;
  if not found then
    perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
  end if;
  return v_used;
end;
$$;
comment on function private.adjust_quota(uuid, text, int) is
  'Adds to what was used in the current cycle, never below zero; returns the new count. Lends the right to write subscriptions.';

create function public.check_quota(p_user_id uuid, p_quota_type text)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.check_quota(p_user_id, p_quota_type);
$$;
comment on function public.check_quota(uuid, text) is
  'Whether a unit of syncs, ai_analyses or seo_submissions is left. Users ask for themselves, whatever id they pass.';

create function public.consume_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.consume_quota(p_user_id, p_quota_type, p_amount);
$$;
comment on function public.consume_quota(uuid, text, int) is
  'Service only. Takes that many units if they are left and says whether it did; no two callers get the last one.';

create function public.increment_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns int
language sql volatile set search_path = ''
as $$
  select private.adjust_quota(p_user_id, p_quota_type, p_amount);
$$;
comment on function public.increment_quota(uuid, text, int) is
  'Service only. Counts units that were used, also beyond the limit; returns what is used now.';

create function public.decrement_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns int
language sql volatile set search_path = ''
as $$
  select private.adjust_quota(p_user_id, p_quota_type, -p_amount);
$$;
comment on function public.decrement_quota(uuid, text, int) is
  'Service only. Gives units of the current cycle back, as far as any were used; returns what is used now.';

revoke all on function
  private.roll_cycles(uuid[]),
  private.reset_quotas(int),
  private.read_quota(uuid, text),
  private.check_quota_request(text, int),
  private.check_quota(uuid, text),
  private.consume_quota(uuid, text, int),
  private.adjust_quota(uuid, text, int),
  public.check_quota(uuid, text),
  public.consume_quota(uuid, text, int),
  public.increment_quota(uuid, text, int),
  public.decrement_quota(uuid, text, int)
from public, anon, authenticated, service_role;
grant execute on function private.check_quota(uuid, text), public.check_quota(uuid, text)
to authenticated, service_role;
grant execute on function
  private.consume_quota(uuid, text, int), private.adjust_quota(uuid, text, int),
  public.consume_quota(uuid, text, int), public.increment_quota(uuid, text, int),
  public.decrement_quota(uuid, text, int)
to service_role;
